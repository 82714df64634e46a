"""The parity frames that are released with weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine import WeightsMismatchError, load_card
from engine.backends import create_backend
from engine.card import SHIPPED_FOLDER
from engine.parity import ParityGate
from train.command_line import main
from train.parity_frames import HEIGHT_PX, WIDTH_PX, parity_images


def test_the_images_are_the_same_at_every_call() -> None:
    first, second = parity_images(), parity_images()
    assert [image.dtype for image in first] == [np.uint8] * 5 + [np.uint16]
    assert {image.shape for image in first} == {(HEIGHT_PX, WIDTH_PX)}
    assert first[-1].max() > 4095, "what a camera of 16 bit gives"
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_command_makes_them_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in SHIPPED_FOLDER.glob("default.*"):
        shutil.copy(file, tmp_path)
    path = tmp_path / "default.json"
    (tmp_path / "default.parity.npz").write_bytes(b"spoilt")
    with pytest.raises(WeightsMismatchError, match=r"parity\.npz are not those of the card"):
        load_card(path)
    assert main(["parity", "--weights", str(path), "--threads", "1"]) == 0
    assert "made" in capsys.readouterr().out
    card = load_card(path)
    figures = ParityGate(card).check(create_backend("openvino", card, threads=1, precision="f32"))
    assert figures.area_difference_p99 < 0.001
    assert not list(tmp_path.glob("*.new"))
