"""A card is described anew without its weights being touched."""

from __future__ import annotations

import json
import shutil

import pytest

from engine.card import SHIPPED_FOLDER, load_card
from train.command_line import main
from train.evaluation.report import described_weights


@pytest.fixture
def card_file(tmp_path):
    for file in SHIPPED_FOLDER.glob("default.*"):
        shutil.copy(file, tmp_path)
    return tmp_path / "default.json"


def _figures(card, path):
    rows = {"scores": {"iou": 0.5}, "frames": {"a": 1}}
    path.write_text(json.dumps({"weights": "default", "of": described_weights(card), "suspension": rows}))
    return str(path)


def test_figures_stand_in_the_card_and_all_else_stays(card_file, tmp_path, capsys):
    before = load_card(card_file)
    figures = _figures(before, tmp_path / "figures.json")
    assert main(["describe", "--weights", str(card_file), "--figures", figures]) == 0
    assert before.weights_hash in capsys.readouterr().out
    after = load_card(card_file)
    assert after.metrics["suspension"] == {"scores": {"iou": 0.5}}
    assert "film" in before.metrics  # the control: it was in the card
    assert "film" not in after.metrics
    assert after.metrics["configuration"] == before.metrics["configuration"]
    assert described_weights(after) == described_weights(before)
    assert (after.onnx_sha256, after.parity_sha256) == (before.onnx_sha256, before.parity_sha256)


def test_figures_of_other_weights_are_refused(card_file, tmp_path, capsys):
    before = card_file.read_bytes()
    figures = tmp_path / "figures.json"
    _figures(load_card(card_file), figures)
    figures.write_text(figures.read_text().replace(load_card(card_file).weights_hash, "0" * 16))
    for text, why in ((figures.read_text(), "evaluate it anew"), ("{", "evaluate --json")):
        figures.write_text(text)
        assert main(["describe", "--weights", str(card_file), "--figures", str(figures)]) == 2
        assert why in capsys.readouterr().err
    assert card_file.read_bytes() == before
