"""A run that is stopped and resumed is the run that was never stopped."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

from train import checkpoint
from train.command_line import main
from train.configuration import (
    AugmentationConfiguration,
    MixConfiguration,
    OptimiserConfiguration,
    StoppingConfiguration,
    TrainingConfiguration,
)
from train.distillation import CheckpointTeacher
from train.errors import TrainingError
from train.frame_crops import FrameCrops, Zoom
from train.loop import CHECKPOINT_NAME, LOG_NAME, VALIDATION_NAME, Allowance, train
from train.mixed_crops import MixedCrops
from train.schedule import learning_rate, progress_of
from train.stream import batches

TINY = TrainingConfiguration(
    width=2,
    crop_px=96,
    batch=2,
    steps=4,
    half_precision=False,
    mix=MixConfiguration(family_weights={"plates": 1.0}, reduced_share=0),
)
ALONE = Allowance(threads=1, workers=0, log_every=1, save_every=2)
PLATES = MixedCrops(TINY.mix, None)


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


class Stop(Exception):  # noqa: N818 - it is no error
    """A kill, right after a checkpoint was written."""


def _killed_at_the_first_checkpoint(configuration, source, out, validate=None):
    """The state in the file that a run leaves that dies after its first checkpoint."""

    def killed(*arguments):
        original(*arguments)
        raise Stop

    original = checkpoint.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", killed)
        with pytest.raises(Stop):
            train(configuration, source, out, ALONE, validate=validate)
    return checkpoint.load(out / CHECKPOINT_NAME)


def _rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_resuming_is_exact(tmp_path):
    whole = train(TINY, PLATES, tmp_path / "whole", ALONE)
    stopped = _killed_at_the_first_checkpoint(TINY, PLATES, tmp_path / "stopped")
    resumed = train(TINY, PLATES, tmp_path / "stopped", ALONE, stopped)
    assert stopped.step == 2
    assert not _same(stopped.network, whole.network)  # the control: two more steps change the weights
    assert _same(resumed.network, whole.network)
    assert _same(resumed.average, whole.average)
    assert resumed.step == whole.step == 4
    logs = [_rows(tmp_path / name / LOG_NAME) for name in ("whole", "stopped")]
    assert [row["loss"] for row in logs[0]] == [row["loss"] for row in logs[1]]


def _blots(seed=0):
    """Frames of dark squares, quick to crop."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(2):
        image, labels = np.full((128, 128), 200, np.uint8), np.zeros((128, 128), np.int32)
        for label in range(1, 8):
            y, x = rng.integers(0, 108, 2)
            image[y : y + 18, x : x + 18] = 80
            labels[y : y + 18, x : x + 18] = label
        frames.append((image, labels))
    return FrameCrops(frames, Zoom(0.8, 1.2, rotation_degrees=45))


def _first_weight(trainee):
    """A look that is a function of the weights alone."""
    return next(trainee.module.parameters()).sum().item()


# drop-out and sampled regions draw random numbers in every step, adversarial training steps twice
@pytest.mark.parametrize(
    ("network", "width", "adversarial_levels"), [("fcn8s", 2, 0.0), ("mask-rcnn", 8, 0.0), ("unet", 2, 0.1)]
)
def test_resuming_is_exact_where_a_step_draws_random_numbers(tmp_path, network, width, adversarial_levels):
    configuration = TrainingConfiguration(
        network=network, width=width, crop_px=64, batch=2, steps=4, half_precision=False,
        adversarial_levels=adversarial_levels, stopping=StoppingConfiguration(every_steps=1),
    )  # fmt: skip
    whole = train(configuration, _blots(), tmp_path / "whole", ALONE, validate=_first_weight)
    stopped = _killed_at_the_first_checkpoint(configuration, _blots(), tmp_path / "stopped", _first_weight)
    torch.manual_seed(99)
    resumed = train(configuration, _blots(), tmp_path / "stopped", ALONE, stopped, validate=_first_weight)
    assert not _same(stopped.network, whole.network)
    assert _same(resumed.network, whole.network)
    assert _same(resumed.kept, whole.kept)
    assert (resumed.best.step, resumed.best.looks_since) == (whole.best.step, whole.best.looks_since)
    assert _rows(tmp_path / "whole" / VALIDATION_NAME) == _rows(tmp_path / "stopped" / VALIDATION_NAME)


def test_early_stopping_keeps_the_best_weights(tmp_path):
    stopping = StoppingConfiguration(every_steps=2, patience=2)
    configuration = TINY.model_copy(update={"steps": 40, "stopping": stopping})
    seen, values = [], iter([1.0, 3.0, 2.0, 3.0, 9.0])

    def look(trainee):
        seen.append({name: value.clone() for name, value in trainee.module.state_dict().items()})
        return next(values)

    reached = train(configuration, _blots(), tmp_path, ALONE, validate=look)
    assert reached.step == 8  # two looks without a better one than that at step 4
    assert reached.ended
    assert reached.best.step == 4
    assert _same(reached.kept, seen[1])
    assert not _same(reached.kept, reached.average)
    loaded = checkpoint.load(tmp_path / CHECKPOINT_NAME)
    assert _same(loaded.kept, reached.kept)
    again = train(configuration, _blots(), tmp_path, ALONE, loaded, validate=look)
    assert again.step == 8  # a run that has stopped early does not go on


def test_looks_need_a_part_and_an_interval(tmp_path):
    with pytest.raises(TrainingError, match="both or none"):
        train(TINY, PLATES, tmp_path, ALONE, validate=_first_weight)


def test_a_pupil_learns_what_its_teacher_says(tmp_path):
    """With the teacher's word alone, a pupil comes nearer to the teacher than to the labels it is shown."""
    train(TINY.model_copy(update={"width": 4}), _blots(), tmp_path / "teacher", ALONE)
    teacher = CheckpointTeacher(checkpoint.load(tmp_path / "teacher" / CHECKPOINT_NAME))
    images = torch.randn(2, 1, 64, 64)
    said = teacher.targets(images)
    assert said.shape == (2, 2, 64, 64)
    assert 0 < said.min() < said.max() < 1
    assert torch.equal(said, teacher.targets(images))
    taught = TINY.model_copy(update={"teacher_share": 1.0, "steps": 2})
    with pytest.raises(TrainingError, match="both or none"):
        train(taught, _blots(), tmp_path / "alone", ALONE)
    pupil = train(taught, _blots(), tmp_path / "pupil", ALONE, teacher=teacher)
    plain = train(taught.model_copy(update={"teacher_share": 0.0}), _blots(), tmp_path / "plain", ALONE)
    assert not _same(pupil.network, plain.network)
    # a teacher that says what the labels say changes nothing
    echo = type("Echo", (), {"targets": lambda self, images: seen.pop(0)})()
    half = taught.model_copy(update={"teacher_share": 0.5})
    seen = [batch.targets_BCHW for batch in batches(half, _blots(), 0, 0)]
    same = train(half, _blots(), tmp_path / "echo", ALONE, teacher=echo)
    assert _same(same.network, plain.network)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    reached = train(TINY, _blots(), tmp_path, ALONE)
    other = TINY.model_copy(update={"network": "unet"})
    with pytest.raises(TrainingError, match="choose another folder"):
        train(other, _blots(), tmp_path, ALONE, reached)


def test_two_steps_write_log_checkpoint_and_configuration(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "train.command_line.training.first_weights",
        lambda steps, seed, width: TINY.model_copy(update={"steps": steps}),
    )
    monkeypatch.setattr("train.command_line.training.data_of", lambda options: None)
    arguments = ["first-weights", "--out", str(tmp_path), "--threads", "1", "--workers", "0", "--resume"]
    assert main([*arguments, "--steps", "2"]) == 0
    assert "simulation alone" in capsys.readouterr().out
    (row,) = _rows(tmp_path / LOG_NAME)
    assert int(row["step"]) == 2
    assert 0 < float(row["loss"]) < 10
    saved = checkpoint.load(tmp_path / CHECKPOINT_NAME)
    assert saved.step == 2
    assert saved.configuration.steps == 2
    assert main([*arguments, "--steps", "3"]) == 0
    assert "going on from step 2" in capsys.readouterr().out
    assert checkpoint.load(tmp_path / CHECKPOINT_NAME).step == 3


def test_time_ends_a_run(tmp_path):
    reached = train(TINY, PLATES, tmp_path, Allowance(minutes=1e-9, threads=1, workers=0))
    assert reached.step == 0
    assert (tmp_path / CHECKPOINT_NAME).exists()


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="train first"):
        checkpoint.load(tmp_path / "none.pt")
    torch.save({"step": 3}, tmp_path / "other.pt")
    (tmp_path / "junk.pt").write_bytes(b"no checkpoint")
    for name in ("other.pt", "junk.pt"):
        with pytest.raises(TrainingError, match="no checkpoint of this version"):
            checkpoint.load(tmp_path / name)


def test_the_learning_rate_warms_up_and_decays():
    settings = TINY.optimiser
    rates = [learning_rate(progress_of(step, 1000, 0, 0), step, settings) for step in (0, 99, 500, 1000)]
    assert rates[0] < 0.02 * rates[1]
    assert rates[1] > rates[2] > rates[3] == pytest.approx(settings.final_share * settings.learning_rate)


def test_the_papers_decay_is_of_the_learning_rate_or_of_the_weights(tmp_path):
    paper = {
        "learning_rate": 1e-4,
        "beta1": 0.99,
        "beta2": 0.999,
        "weight_decay": 1e-6,
        "schedule": "constant",
    }
    of_rate = OptimiserConfiguration(**paper, decay_of="learning_rate", warm_up_steps=1)
    of_weights = OptimiserConfiguration(**paper, decay_of="gradient", warm_up_steps=1)
    assert learning_rate(0.9, 1_000_000, of_rate) == pytest.approx(0.5e-4)
    assert learning_rate(0.9, 1_000_000, of_weights) == pytest.approx(1e-4)
    reached = [
        train(TINY.model_copy(update={"optimiser": settings}), _blots(), tmp_path / str(n), ALONE)
        for n, settings in enumerate((of_rate, of_weights))
    ]
    decays = [state.optimiser["param_groups"][0]["weight_decay"] for state in reached]
    assert decays == [0.0, 1e-6]


def test_the_decay_fits_into_the_time_allowed():
    assert progress_of(100, 1000, 0.1, 0.0) == pytest.approx(0.1)
    assert progress_of(200, 1000, 0.1, 0.5) == pytest.approx(0.55)
    assert progress_of(200, 1000, 0.1, 1.0) == 1


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValueError, match="extra"):
        AugmentationConfiguration.model_validate({"blurr": 1})
