"""Every option of the training learns, and a killed run of it ends bit-equal on one thread."""

from __future__ import annotations

import csv
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.network import NetworkConfiguration
from engine.network.crystal_network import CrystalNetwork
from train import checkpoint, loop
from train.comparison.plan import PARTS, options
from train.configuration import OptimiserConfiguration, StoppingConfiguration, TrainingConfiguration
from train.distillation import CheckpointTeacher
from train.frame_crops import FrameCrops, Zoom
from train.loop import CHECKPOINT_NAME, LOG_NAME, Allowance, train
from train.models import MODELS, notes_of
from train.networks import build_configured
from train.networks.cost import SIDE_PX
from train.run import Run
from train.stream import batches

STEPS, KILLED_AT = 14, 6
ALONE = Allowance(threads=1, workers=0, log_every=1, save_every=KILLED_AT)
QUICK = OptimiserConfiguration(learning_rate=4e-3, warm_up_steps=1, average_decay=0.9)
PLAIN = TrainingConfiguration(
    width=4, crop_px=48, batch=2, steps=STEPS, half_precision=False, optimiser=QUICK,
    stopping=StoppingConfiguration(every_steps=7, patience=9),
)  # fmt: skip
BY_VARIANT = {variant.name: variant for variant in options()}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _squares():
    image, labels = np.full((96, 96), 190, np.uint8), np.zeros((96, 96), np.int32)
    for label, (y, x) in enumerate([(8, 8), (8, 27), (50, 12), (60, 55), (30, 66)], start=1):
        image[y : y + 18, x : x + 18] = 80
        labels[y : y + 18, x : x + 18] = label
    return FrameCrops([(image, labels)], Zoom(0.9, 1.1))


def _configured(name):
    """The run of a row of the comparison, or of what is no row there."""
    if name in PARTS:
        return PLAIN.model_copy(update={"network": name})
    if name == "half-precision":
        return PLAIN.model_copy(update={"half_precision": True})
    if name == "frozen-statistics":
        return PLAIN.model_copy(update={"frozen_statistics": True})
    if name == "distilled":
        return PLAIN.model_copy(update={"teacher_share": 0.3})
    if name == "pruned":
        return PLAIN.model_copy(update={"stage_channels": (3, 6, 8, 12, 20)})
    variant = BY_VARIANT[name]
    loss = variant.loss or PLAIN.loss
    if variant.weighted is None:
        loss = loss.model_copy(update={"crystal_positive_weight": 6.0})
    optimiser = variant.optimiser or QUICK
    if variant.average_decay is not None:
        optimiser = optimiser.model_copy(update={"average_decay": variant.average_decay})
    changed = {
        "network": variant.network,
        "loss": loss,
        "optimiser": optimiser.model_copy(update={"learning_rate": 4e-3}),
        "adversarial_levels": variant.adversarial_levels or 0.0,
    }
    return PLAIN.model_copy(update=changed)


@pytest.fixture(scope="module")
def teacher():
    configuration = PLAIN.model_copy(update={"width": 6, "seed": 5})
    weights = build_configured(configuration).module.state_dict()
    return CheckpointTeacher(checkpoint.Checkpoint(configuration, 0, weights, weights, None))


def _weight(trainee):
    return next(trainee.module.parameters()).detach().sum().item()


class Killed(Exception):  # noqa: N818 - it is no error
    """Right after a checkpoint was written."""


@pytest.mark.parametrize(
    "name", [*PARTS, *BY_VARIANT, "half-precision", "frozen-statistics", "distilled", "pruned"]
)
def test_it_learns_and_resumes_exactly(name, tmp_path, teacher, monkeypatch):
    configuration = _configured(name)
    given = teacher if configuration.teacher_share else None

    def run(folder, start=None):
        return train(configuration, _squares(), tmp_path / folder, ALONE, start, _weight, given)

    whole = run("whole")
    with (tmp_path / "whole" / LOG_NAME).open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert np.mean(losses[-4:]) < 0.97 * np.mean(losses[:3])

    def save(*arguments):
        original(*arguments)
        raise Killed

    original = checkpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(loop.checkpoint, "save", save)
        with pytest.raises(Killed):
            run("killed")
    stopped = checkpoint.load(tmp_path / "killed" / CHECKPOINT_NAME)
    assert stopped.step == KILLED_AT
    torch.manual_seed(77)  # what a resumed process has drawn before is not what the first one had
    resumed = run("killed", stopped)
    for part in ("network", "average", "kept"):
        mine, theirs = getattr(resumed, part), getattr(whole, part)
        assert all(torch.equal(mine[key], theirs[key]) for key in theirs), part
    assert not all(torch.equal(stopped.network[key], whole.network[key]) for key in whole.network)
    log = [(tmp_path / folder / LOG_NAME).read_text().splitlines() for folder in ("whole", "killed")]
    assert [line.split(",")[2:] for line in log[0]] == [line.split(",")[2:] for line in log[1]]


def test_options_that_are_off_change_nothing():
    """A plan's hash stands for its results: what was added later and is off must not move it."""
    assert not {"stage_channels", "frozen_statistics"} & PLAIN.model_dump().keys()
    pruned = PLAIN.model_copy(update={"stage_channels": (3, 6, 8, 12, 20)})
    assert TrainingConfiguration.model_validate(pruned.model_dump()) == pruned


@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_statistics_stay_while_weights_learn(frozen):
    run = Run(PLAIN.model_copy(update={"frozen_statistics": frozen}), None, None)
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    for batch in islice(batches(PLAIN, _squares(), 0, workers=0), 2):
        run.take_step(batch, 1e-3)
    after = run.network.state_dict()
    statistics = {name for name in before if "running" in name}
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert statistics
    assert moved & statistics == (set() if frozen else statistics)
    assert any("norm.weight" in name for name in moved)


def test_the_models_cost_what_is_written_down():
    for model in MODELS.values():
        with torch.device("meta"):  # shapes alone: the largest takes as long as the smallest
            network = CrystalNetwork(NetworkConfiguration(width=model.width)).eval()
            frame = torch.empty(1, 1, SIDE_PX, SIDE_PX)
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network(frame)
        assert counter.get_total_flops() / 1e9 == pytest.approx(model.gflops, abs=1e-3)
        assert sum(parameter.numel() for parameter in network.parameters()) == model.parameters
    said = notes_of(NetworkConfiguration(width=32), with_ice=False)
    assert "an RTX card; 22.0 GFLOP" in said
    assert "7.2 M parameters" in said
    assert "have not been looked at" in said
    assert "ice-coarsening" not in said
    assert "pruned to stages of 8, 12, 20, 36, 60" in notes_of(
        NetworkConfiguration(stage_channels=(8, 12, 20, 36, 60)), with_ice=True
    )
