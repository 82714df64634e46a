"""The other way to the engine, torch_tensorrt's, as far as it goes without a card."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorrt_rtx")

import torch

from engine import load_card
from engine.backends import create_backend
from engine.errors import BackendUnavailableError
from engine.tensorrt import EngineOrder
from engine.tensorrt.on_card import compile_on_card, export_program
from tests.contract.test_segmentation_backend import normalised_image

SCRIPT = Path(__file__).with_name("torch_tensorrt_without_card.py")
PROJECT = SCRIPT.parents[2]
NO_CARD = pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a card")


@NO_CARD
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_torch_tensorrt_takes_the_whole_network_into_one_engine() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert "100.0% coverage" in said["dry"]
    assert (said["dry"].count("TRT Engine #1 "), said["dry"].count("TRT Engine #2 ")) == (1, 0)
    card = said["card"]
    assert (card["engines"], card["coverage"], card["built_with"]) == (1, 1.0, "torch_tensorrt")
    assert card["operators"] > 200
    assert card["engine_bytes"] > 3_000_000, "the weights are inside"
    assert said["names"] == ["image_BCHW", "probability_BCHW"], (
        "input and output are called as in the other way"
    )


@NO_CARD
def test_without_a_driver_it_says_why() -> None:
    with pytest.raises(BackendUnavailableError, match="torch_tensorrt cannot be used here"):
        compile_on_card(load_card(), EngineOrder(128, 128), library="any", capability="8.6")


def test_the_program_computes_what_the_reference_computes_in_half_precision() -> None:
    """Batch normalisation is worked into the weights before they are rounded: by itself it would lose areas."""
    order = EngineOrder(128, 128)
    image = normalised_image(128, 128)
    expected = create_backend("torch", load_card(), threads=1).infer(image)
    program = export_program(load_card(), order, device="cpu").module()
    with torch.inference_mode():
        found = program(torch.from_numpy(image)).numpy()
    assert found.dtype == np.float32
    assert expected.max() > 0.5, "the control: there is something to see"
    assert np.abs(found - expected).max() < 0.02
