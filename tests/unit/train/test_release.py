"""A card is described anew without its weights being touched."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from engine.card import SHIPPED_FOLDER, load_card
from train.command_line import main
from train.evaluation.report import described_weights
from train.release import NOTES


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


@pytest.mark.parametrize("ships", [False, True])
def test_what_a_card_says_of_itself_stays_unless_it_is_that_of_the_weights_that_ship(
    card_file, tmp_path, monkeypatch, ships
):
    own = {"fine_tuned_from": "0" * 16, "steps": 300}
    before = replace(
        load_card(card_file), notes="Fine-tuned.", metrics=own | {"film": {"area_error_worst": 1}}
    )
    card_file.write_text(before.to_json())
    if ships:
        monkeypatch.setattr("train.release.SHIPPED_FOLDER", tmp_path)
    figures = _figures(before, tmp_path / "figures.json")
    assert main(["describe", "--weights", str(card_file), "--figures", figures]) == 0
    after = load_card(card_file)
    assert after.metrics == own | {"suspension": {"scores": {"iou": 0.5}}}
    assert after.notes == (NOTES if ships else "Fine-tuned.")


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
