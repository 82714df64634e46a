"""Mish by table is Mish rounded once, and trains as full precision does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from train import golden
from train.half_mish import VALUES, HalfMish, use_half_mish
from train.networks import build

COMMITTED = Path(__file__).resolve().parents[2] / "golden" / "training_curve"


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _every_number():
    """Every finite bfloat16, as maps (4, 16, 32, 32) less those that are no numbers (zeros stand for them)."""
    values = torch.arange(VALUES, dtype=torch.int32).to(torch.uint16).view(torch.bfloat16)
    return torch.where(values.isfinite(), values, 0).view(4, 16, 32, 32)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_every_number_and_its_slope_are_rounded_once(memory):
    x_BCHW = _every_number().to(memory_format=memory).requires_grad_()
    said_BCHW = HalfMish()(x_BCHW)
    said_BCHW.backward(torch.full_like(said_BCHW, 2))
    exact_BCHW = x_BCHW.detach().double().requires_grad_()
    true_BCHW = functional.mish(exact_BCHW)
    true_BCHW.sum().backward()
    assert said_BCHW.dtype == torch.bfloat16
    assert len(said_BCHW.unique()) > 30_000  # the control: these are not one number
    assert torch.equal(said_BCHW, true_BCHW.to(torch.bfloat16))
    assert torch.equal(x_BCHW.grad, 2 * exact_BCHW.grad.to(torch.bfloat16))


def test_other_types_are_left_to_torch():
    x_BCHW = torch.linspace(-9, 9, 64).view(1, 1, 8, 8)
    assert torch.equal(HalfMish()(x_BCHW), functional.mish(x_BCHW))


def test_weights_and_names_stay():
    plain, quick = build("ours", 4, 0).module, build("ours", 4, 0).module
    use_half_mish(quick)
    kinds = [type(module).__name__ for module in quick.modules()]
    assert "HalfMish" in kinds
    assert "Mish" not in kinds
    assert plain.state_dict().keys() == quick.state_dict().keys()


def test_half_precision_learns_as_full_precision_does():
    committed = np.array(golden.written(COMMITTED))
    half = golden.configuration().model_copy(update={"half_precision": True})
    found = np.array(golden.losses(COMMITTED, half))
    assert np.ptp(committed) > 0.1  # the control: steps differ by fifty times what is allowed
    assert found == pytest.approx(committed, abs=0.002)
    assert not np.array_equal(found, committed)  # it was bfloat16 indeed
