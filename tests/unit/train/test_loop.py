"""A run that is stopped and resumed is the run that was never stopped."""

from __future__ import annotations

import csv

import pytest
import torch

from train import checkpoint
from train.command_line import main
from train.configuration import AugmentationConfiguration, MixConfiguration, TrainingConfiguration
from train.errors import TrainingError
from train.loop import CHECKPOINT_NAME, LOG_NAME, Allowance, train
from train.schedule import learning_rate, progress_of

TINY = TrainingConfiguration(
    width=2,
    crop_px=96,
    batch=2,
    steps=4,
    half_precision=False,
    mix=MixConfiguration(family_weights={"plates": 1.0}, reduced_share=0),
)
ALONE = Allowance(threads=1, workers=0, log_every=1, save_every=2)


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_resuming_is_exact(tmp_path):
    whole = train(TINY, None, tmp_path / "whole", ALONE)
    stopped = _stopped_after_two(tmp_path / "stopped")
    resumed = train(TINY, None, tmp_path / "resumed", ALONE, stopped)
    assert stopped.step == 2
    assert not _same(stopped.network, whole.network)  # the control: two more steps change the weights
    assert _same(resumed.network, whole.network)
    assert _same(resumed.average, whole.average)
    assert resumed.step == whole.step == 4


def _stopped_after_two(out):
    """The state after two of four steps, through its file."""

    class Stop(Exception):  # noqa: N818 - it is no error
        pass

    def killed(*arguments):
        original(*arguments)
        raise Stop

    original = checkpoint.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", killed)
        with pytest.raises(Stop):
            train(TINY, None, out, ALONE)
    return checkpoint.load(out / CHECKPOINT_NAME)


def test_two_steps_write_log_checkpoint_and_configuration(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "train.command_line.weights.first_weights",
        lambda steps, seed: TINY.model_copy(update={"steps": steps}),
    )
    monkeypatch.setattr("train.command_line.weights.data_folder", lambda given: None)
    arguments = ["first-weights", "--out", str(tmp_path), "--threads", "1", "--workers", "0", "--resume"]
    assert main([*arguments, "--steps", "2"]) == 0
    assert "simulation alone" in capsys.readouterr().out
    with (tmp_path / LOG_NAME).open() as file:
        (row,) = csv.DictReader(file)
    assert int(row["step"]) == 2
    assert 0 < float(row["loss"]) < 10
    saved = checkpoint.load(tmp_path / CHECKPOINT_NAME)
    assert saved.step == 2
    assert saved.configuration.steps == 2
    assert main([*arguments, "--steps", "3"]) == 0
    assert "going on from step 2" in capsys.readouterr().out
    assert checkpoint.load(tmp_path / CHECKPOINT_NAME).step == 3


def test_time_ends_a_run(tmp_path):
    reached = train(TINY, None, tmp_path, Allowance(minutes=1e-9, threads=1, workers=0))
    assert reached.step == 0
    assert (tmp_path / CHECKPOINT_NAME).exists()


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="train first"):
        checkpoint.load(tmp_path / "none.pt")
    torch.save({"step": 3}, tmp_path / "other.pt")
    with pytest.raises(TrainingError, match="no checkpoint of this version"):
        checkpoint.load(tmp_path / "other.pt")


def test_the_learning_rate_warms_up_and_decays():
    settings = TINY.optimiser
    rates = [learning_rate(progress_of(step, 1000, 0, 0), step, settings) for step in (0, 99, 500, 1000)]
    assert rates[0] < 0.02 * rates[1]
    assert rates[1] > rates[2] > rates[3] == pytest.approx(settings.final_share * settings.learning_rate)


def test_the_decay_fits_into_the_time_allowed():
    assert progress_of(100, 1000, 0.1, 0.0) == pytest.approx(0.1)
    assert progress_of(200, 1000, 0.1, 0.5) == pytest.approx(0.55)
    assert progress_of(200, 1000, 0.1, 1.0) == 1


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValueError, match="extra"):
        AugmentationConfiguration.model_validate({"blurr": 1})
