"""Fine-tuning: what is held out is held out, only what is better serves, and there is a way back."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from engine.card import load_card
from monitor.simulation import training_scene
from train.command_line import main
from train.configuration import LossConfiguration
from train.errors import TrainingError
from train.finetuning import gate, run, versions
from train.finetuning.frames import hold_out, part_bodies, read_own
from train.metrics import ScoreSheet
from train.networks import build
from train.segmenting import Found


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def station(tmp_path):
    """Four frames with masks in which touching crystals merge."""
    for kind in ("frames", "masks"):
        (tmp_path / kind).mkdir()
    for number in range(4):
        image, labels = training_scene(np.random.default_rng(number), 128, 160, "grains")
        cv2.imwrite(str(tmp_path / "frames" / f"frame_{number}.png"), image)
        cv2.imwrite(str(tmp_path / "masks" / f"mask_{number}.png"), (labels > 0).astype(np.uint8))
    return tmp_path


def test_held_out_frames_are_not_learned_from(station):
    frames = read_own(station / "frames", station / "masks", instances=False, scale=1.0)
    seen = set()
    for seed in range(8):
        own = hold_out(frames, 2, seed)
        names = [{name for name, _, _ in part} for part in (own.learned, own.held_out)]
        assert names[0].isdisjoint(names[1])
        assert len(names[0]) == len(names[1]) == 2
        seen |= names[1]
    assert len(seen) == 4
    for count in (0, 3):
        with pytest.raises(TrainingError, match="1 to 2 can be"):
            hold_out(frames, count, 0)


def test_frames_that_cannot_be_used_are_refused(station):
    with pytest.raises(TrainingError, match="no folder of masks"):
        read_own(station / "frames", station / "none", instances=False, scale=1.0)
    half = read_own(station / "frames", station / "masks", instances=False, scale=0.5)
    assert half[0][1].shape == half[0][2].shape == (64, 80)
    with pytest.raises(TrainingError, match=r"frame_0.png has 2×1 px after --scale 0.01: 64 px"):
        read_own(station / "frames", station / "masks", instances=False, scale=0.01)
    for number in range(2):
        (station / "frames" / f"frame_{number}.png").unlink()
        (station / "masks" / f"mask_{number}.png").unlink()
    with pytest.raises(TrainingError, match="label 3 or more"):
        read_own(station / "frames", station / "masks", instances=False, scale=1.0)


def test_what_was_pre_labelled_and_corrected_can_be_learned_from(station, capsys):
    out = station / "to-correct"
    assert main(["pre-label", str(station / "frames"), "--out", str(out), "--threads", "1"]) == 0
    assert "bodies outlined" in capsys.readouterr().out
    frames = read_own(out, None, instances=True, scale=1.0)
    assert [name for name, _, _ in frames] == [f"frame_{number}.png" for number in range(4)]
    assert all(len(np.unique(labels)) > 5 for _, _, labels in frames)
    assert main(["pre-label", str(station / "frames"), "--out", str(out), "--threads", "1"]) == 2
    assert "already" in capsys.readouterr().err


def test_masks_are_parted_where_the_weights_see_contacts(station):
    frames = hold_out(read_own(station / "frames", station / "masks", instances=False, scale=1.0), 1, 0)
    parted = part_bodies(frames, load_card("default"), threads=1)
    for (_, _, marked), (_, _, bodies) in zip(frames.learned, parted.learned, strict=True):
        assert ((marked > 0) == (bodies > 0)).all()
    merged, apart = (
        sum(len(np.unique(labels)) - 1 for _, _, labels in part.learned) for part in (frames, parted)
    )
    assert apart > 1.1 * merged
    assert parted.held_out == frames.held_out


def test_the_start_gives_the_probabilities_of_the_card():
    card = load_card("default")
    start = run.start_of(card, run.finetuning(card))
    ours, theirs = build("ours", 16, 0), build("ours", 16, 0)
    ours.module.load_state_dict(start.network)
    from safetensors.torch import load_file

    theirs.module.load_state_dict(load_file(card.safetensors_path))
    image, _ = training_scene(np.random.default_rng(0), 96, 96, "suspension")
    crystal, contact = card.positive_weights
    as_card = LossConfiguration(crystal_positive_weight=crystal, contact_positive_weight=contact)
    said = ours.probabilities(image, LossConfiguration(contact_positive_weight=contact))
    assert crystal != 1.0
    assert np.allclose(said, theirs.probabilities(image, as_card), atol=1e-5)


def _trial(held_out, regression):
    """Scores with these shares of ten crystals found."""

    def scores(found):
        labels = np.zeros((10, 40), np.int32)
        for label in range(10):
            labels[2:8, 4 * label : 4 * label + 3] = label + 1
        said = np.where(labels <= found, labels, 0).astype(np.int32)
        sheet = ScoreSheet(instances=True)
        sheet.add("a", Found(said, dict.fromkeys(range(1, 11), 1.0), None), labels)
        return sheet.scores()

    return gate.Trial(held_out=scores(held_out), regression=scores(regression))


def test_the_gate_asks_for_better_here_and_no_worse_there():
    assert gate.judge(_trial(5, 8), _trial(6, 8)).passed
    assert gate.judge(_trial(5, 8), _trial(6, 9)).passed
    same = gate.judge(_trial(5, 8), _trial(5, 8))
    assert not same.passed
    assert "must grow" in same.reasons[0]
    forgot = gate.judge(_trial(5, 8), _trial(9, 7))
    assert [reason.split(" on ")[0] for reason in forgot.reasons] == ["IoU", "PQ"]


def test_versions_serve_in_turn_and_there_is_a_way_back(tmp_path, capsys):
    with pytest.raises(TrainingError, match="nothing to roll back"):
        versions.roll_back(tmp_path)
    first, second = versions.new_version(tmp_path), versions.new_version(tmp_path)
    assert (first.name, second.name) == ("0001", "0002")
    # the first is of a time when versions had the name of what they were tuned from
    (first / "default.safetensors").write_text("one")
    (second / "fine-tuned.safetensors").write_text("two")
    versions.promote(tmp_path, "0001")
    versions.promote(tmp_path, "0002")
    assert (tmp_path / "current" / "fine-tuned.safetensors").read_text() == "two"
    assert versions.serving_card(tmp_path) == tmp_path / "current" / "fine-tuned.json"
    assert main(["rollback", str(tmp_path)]) == 0
    assert (tmp_path / "current" / "default.safetensors").read_text() == "one"
    assert f"analysis.model = {str(tmp_path / 'current' / 'default.json')!r}" in capsys.readouterr().out
    assert versions.roll_back(tmp_path) is None
    assert not (tmp_path / "current").exists()
    with pytest.raises(TrainingError, match="no weights in"):
        versions.serving_card(tmp_path)
    with pytest.raises(TrainingError, match="no version 0009"):
        versions.promote(tmp_path, "0009")


@pytest.mark.timeout(600)
def test_the_command_learns_judges_and_keeps_the_old_weights_where_nothing_is_gained(
    station, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        gate,
        "regression_frames",
        lambda data: gate.SimulationSet(gate.MixConfiguration(), 1, 96).parts(0).test[:2],
    )
    models = tmp_path / "models"
    command = [
        "finetune",
        str(station / "frames"),
        str(station / "masks"),
        "--out",
        str(models),
        "--steps",
        "1",
    ]
    assert main([*command, "--threads", "1", "--workers", "0"]) == 0
    said = capsys.readouterr().out
    assert "held out: IoU" in said
    card = load_card(models / "versions" / "0001" / "fine-tuned.json")
    assert card.name == run.FINE_TUNED
    assert card.notes.startswith(f"Fine-tuned from default {load_card('default').weights_hash}. ")
    assert card.metrics["fine_tuned_from"] == load_card("default").weights_hash
    assert card.positive_weights[0] == 1.0
    report = json.loads((models / "versions" / "0001" / "report.json").read_text())
    learning = report["learning"]
    assert learning["processor_seconds"] > 0
    assert (learning["steps"], learning["first_step"]) == (1, 0)
    (held_out,) = learning["split"]["held_out"]
    assert len(learning["split"]["learned"]) == 3
    assert held_out not in learning["split"]["learned"]
    serves = (models / "current").exists()
    assert report["passed"] is serves
    assert ("refused: " in said) is not serves

    results = tmp_path / "results"
    (results / "finetuning").mkdir(parents=True)
    (models / "versions" / "0001" / "report.json").rename(results / "finetuning" / "seed-0.json")
    assert main(["tables", "--results", str(results)]) == 0
    table = capsys.readouterr().out
    assert f"| {held_out} | 1 |" in table
    assert "mean IoU over 1 choices" in table

    # without its report the version is one that was stopped
    alone = [*command, "--threads", "1", "--workers", "0", "--resume"]
    for other in (["--seed", "1"], ["--steps", "2"]):
        assert main([*alone, *other]) == 2
        assert "begin anew without --resume" in capsys.readouterr().err

    def release(state, card, out):
        raise RuntimeError(out.name)

    monkeypatch.setattr(run, "release", release)
    log = models / "versions" / "0001" / "training" / "log.csv"
    before = log.read_text()
    with pytest.raises(RuntimeError, match="0001"):
        main(alone)
    assert log.read_text() == before  # its one step was done already
    with pytest.raises(RuntimeError, match="0002"):
        main(alone[:-1])
