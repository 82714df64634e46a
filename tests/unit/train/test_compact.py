"""Pruned and quantised weights are released, run and measured like any other."""

from __future__ import annotations

import importlib.util
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from engine.backends.openvino import OpenVinoBackend
from engine.card import load_card
from train import checkpoint, release
from train.command_line import main
from train.compact import CompactRow, compact_table, measure_row, read_rows, write_row
from train.configuration import TrainingConfiguration
from train.errors import TrainingError
from train.loop import CHECKPOINT_NAME
from train.networks import build_configured
from train.quantising import read_int8

SCORES = (
    "simulated_iou",
    "simulated_pq",
    "area_bias",
    "recall",
    "ice_iou",
    "ice_pq",
    "suspension_iou",
)
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _no_data(monkeypatch):
    for group in ("compact", "pruning"):
        monkeypatch.setattr(f"train.command_line.{group}.data_of", lambda options: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The checkpoint of a narrow network with random weights."""
    folder = tmp_path_factory.mktemp("whole")
    configuration = TrainingConfiguration(width=4, crop_px=64, batch=1, steps=1, half_precision=False)
    weights = build_configured(configuration).module.state_dict()
    checkpoint.save(checkpoint.Checkpoint(configuration, 1, weights, weights, None), folder / CHECKPOINT_NAME)
    return folder / CHECKPOINT_NAME


@pytest.fixture(scope="module")
def pruned(whole, tmp_path_factory):
    """The card of the same network, pruned by the command and released."""
    folder = tmp_path_factory.mktemp("pruned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.command_line.pruning.data_of", lambda options: None)
        patch.setattr(release, "make_parity", lambda card: card)
        command = ["prune", "--checkpoint", str(whole), "--keep", "0.5", "--out", str(folder), "--steps", "1"]
        assert main([*command, "--threads", "1", "--workers", "0"]) == 0
        assert main([*command, "--threads", "1", "--workers", "0", "--resume"]) == 0
        return release.release_checkpoint(folder / CHECKPOINT_NAME, "pruned", folder, {}, with_ice=False)


def test_the_pruned_network_is_released_with_its_channels_and_measured(pruned, tmp_path, capsys):
    card = load_card(pruned.safetensors_path)
    assert card.network.stage_channels == card.network.channels
    assert sum(card.network.channels) < 0.75 * sum(4 * 2**stage for stage in range(5))
    found = checkpoint.load(pruned.folder / CHECKPOINT_NAME)
    assert found.configuration.stage_channels == card.network.channels
    assert found.step == 1
    rows = tmp_path / "compact"
    command = ["row", "--weights", str(pruned.safetensors_path), "--presets", "demo", "--rows", str(rows)]
    assert main([*command, "--how", "pruned to 0.5", "--threads", "1"]) == 0
    (row,) = read_rows(rows)
    assert row.name == "pruned"
    assert row.channels == card.network.channels
    assert row.backend.startswith("openvino")
    assert 0 < row.milliseconds < 1e5
    assert row.megabytes == pytest.approx(card.onnx_path.stat().st_size / 1e6, abs=1e-3)
    assert row.simulated_iou is not None
    assert row.ice_iou is None
    assert main(["tables", "--results", str(tmp_path)]) == 0
    assert "pruned to 0.5" in capsys.readouterr().out
    assert main([*command, "--how", "x", "--presets", "snow"]) == 2


@pytest.mark.skipif(importlib.util.find_spec("nncf") is None, reason="NNCF is not installed (extra int8)")
def test_int8_says_nearly_what_the_weights_say(pruned, tmp_path, capsys):
    rows, out = tmp_path / "rows", tmp_path / "int8"
    command = ["quantise", "--weights", str(pruned.safetensors_path), "--out", str(out), "--rows", str(rows)]
    assert main([*command, "--presets", "demo", "--threads", "1"]) == 0
    assert "calibrating on 12 frames, simulated alone" in capsys.readouterr().out
    (row,) = read_rows(rows)
    assert row.backend == "openvino int8"
    assert "12 calibration frames" in row.how
    card = load_card(pruned.safetensors_path)
    int8 = OpenVinoBackend(card, threads=1, made=read_int8(out / "pruned-int8.xml"))
    exact = OpenVinoBackend(card, threads=1, precision="f32")
    image = np.random.default_rng(0).standard_normal((1, 1, 128, 160)).astype(np.float32)
    apart = np.abs(int8.infer(image).copy() - exact.infer(image)).max()
    assert 0 < apart < 0.05  # the control: it is another arithmetic, and it says nearly the same
    assert "FakeQuantize" in (out / "pruned-int8.xml").read_text()


def test_a_graph_that_is_none_is_told_by_its_file(tmp_path):
    (tmp_path / "none-int8.xml").write_text("<net/>")
    with pytest.raises(TrainingError, match=r"(?s)none-int8\.xml.*Quantise anew"):
        read_int8(tmp_path / "none-int8.xml")


@pytest.mark.parametrize("fails", [False, True])
def test_the_back_end_is_closed_whatever_comes(fails, monkeypatch):
    closed = []

    def end(backend):
        closed.append(backend.describe())

    def count(*_):
        if fails:
            raise TrainingError("no operations to count")
        return 1e9

    monkeypatch.setattr(OpenVinoBackend, "close", end)
    monkeypatch.setattr("train.compact.count_flops", count)
    monkeypatch.setattr("train.compact._accuracy", lambda *_: dict.fromkeys(SCORES))
    monkeypatch.setattr("train.compact.TIMED_SIDE_PX", 64)
    with pytest.raises(TrainingError, match="no operations") if fails else nullcontext():
        measure_row("row", "x", load_card(), None, threads=1, precision="f32")
    assert closed == ["openvino f32"]


def test_rows_that_are_none_are_refused(tmp_path):
    (tmp_path / "compact").mkdir()
    (tmp_path / "compact" / "junk.json").write_text("{}")
    with pytest.raises(TrainingError, match="measure again"):
        read_rows(tmp_path / "compact")
    assert main(["tables", "--results", str(tmp_path)]) == 2


def test_the_most_costly_stands_first(tmp_path):
    shared = {
        "how": "", "weights_hash": "", "backend": "", "channels": (1,), "parameters": 1, "megabytes": 1.0,
        "milliseconds": 1.0, "threads": 1, "simulated_iou": 0.5, "simulated_pq": None, "area_bias": None,
        "recall": None, "ice_iou": None, "ice_pq": None, "suspension_iou": None,
    }  # fmt: skip
    for name, gflops in (("small", 1.0), ("whole", 6.0)):
        write_row(CompactRow(name=name, gflops=gflops, **shared), tmp_path)
    assert [row.name for row in read_rows(tmp_path)] == ["whole", "small"]
    _, _, first, _ = compact_table(read_rows(tmp_path))
    assert first.startswith("| whole |")
