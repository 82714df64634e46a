"""Twenty steps of training give the losses that are committed."""

from __future__ import annotations

import pytest
import torch

from train import golden
from train.command_line.golden import FOLDER


@pytest.fixture(scope="module")
def losses():
    before = torch.get_num_threads()
    yield golden.losses(FOLDER)
    torch.set_num_threads(before)


def test_the_curve_is_the_committed_one(losses):
    assert len(losses) == golden.STEPS == 20
    assert losses == pytest.approx(golden.written(FOLDER), abs=golden.TOLERANCE)


def test_a_small_change_of_the_loss_would_be_noticed(losses, monkeypatch):
    changed = golden.configuration().model_copy(
        update={"loss": golden.configuration().loss.model_copy(update={"dice_share": 0.11})}
    )
    monkeypatch.setattr(golden, "configuration", lambda: changed)
    moved = golden.losses(FOLDER)
    assert max(abs(a - b) for a, b in zip(losses, moved, strict=True)) > 10 * golden.TOLERANCE
