"""What every network in the registry keeps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.thresholds import Thresholds
from monitor.simulation import training_scene
from train.batch import crop_of, stack
from train.configuration import LossConfiguration
from train.errors import TrainingError
from train.networks import NETWORKS, build
from train.networks.cost import cost_of
from train.networks.trainee import DenseTrainee

SETTINGS = LossConfiguration()
WIDTH = 8


@pytest.fixture(params=NETWORKS, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def trainee(name):
    return build(name, WIDTH, seed=1)


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(3)
    return stack([crop_of(*training_scene(rng, 64, 64, "suspension"), 5) for _ in range(2)])


def test_it_learns(name, batch):
    """Twelve steps on one batch lower the loss, and every parameter is reached by the gradient."""
    trainee = build(name, WIDTH, seed=1)
    optimiser = torch.optim.Adam(trainee.module.parameters(), lr=3e-3)
    trainee.module.train()
    losses, reached = [], set()
    for step in range(12):
        torch.manual_seed(step)
        optimiser.zero_grad()
        parts = trainee.losses(batch, SETTINGS)
        assert all(torch.isfinite(value) for value in parts.values())
        parts["loss"].backward()
        reached |= {
            key
            for key, p in trainee.module.named_parameters()
            if p.grad is not None and p.grad.abs().sum() > 0
        }
        optimiser.step()
        losses.append(parts["loss"].item())
    assert np.mean(losses[-3:]) < 0.92 * np.mean(losses[:2])
    assert {key for key, _ in trainee.module.named_parameters()} - reached == set()


@pytest.mark.parametrize("size", [(64, 64), (65, 91), (7, 130), (200, 33)])
def test_it_takes_any_size_and_says_what_the_contract_says(trainee, size):
    image = np.random.default_rng(0).integers(0, 255, size).astype(np.uint8)
    found = trainee.segment(image, SETTINGS, Thresholds(minimal_score=0.0))
    assert found.labels_HW.shape == size
    assert found.labels_HW.dtype == np.int32
    assert set(np.unique(found.labels_HW)) - {0} == set(found.scores)
    assert found.probability_HW is not None
    assert found.probability_HW.shape == size
    assert 0 <= found.probability_HW.min() <= found.probability_HW.max() <= 1


def test_it_finds_the_same_again_and_in_a_copy_of_its_weights(name, trainee):
    image, _ = training_scene(np.random.default_rng(5), 96, 80, "suspension")
    first = trainee.segment(image, SETTINGS, Thresholds())
    copy = build(name, WIDTH, seed=2)
    other = copy.segment(image, SETTINGS, Thresholds())
    copy.module.load_state_dict({key: value.clone() for key, value in trainee.module.state_dict().items()})
    same = copy.segment(image, SETTINGS, Thresholds())
    assert not np.array_equal(other.probability_HW, first.probability_HW)  # the control: other weights
    assert np.array_equal(same.probability_HW, first.probability_HW)
    assert np.array_equal(same.labels_HW, first.labels_HW)


def test_an_empty_field_is_no_error(trainee, batch):
    labels = torch.zeros_like(batch.labels_BHW)
    empty = batch._replace(labels_BHW=labels, targets_BCHW=torch.zeros_like(batch.targets_BCHW))
    trainee.module.train()
    assert torch.isfinite(trainee.losses(empty, SETTINGS)["loss"])


def test_its_cost_grows_with_its_width(name):
    narrow, wide = cost_of(name, 8), cost_of(name, 16)
    assert 0 < narrow.gflops < wide.gflops < 5 * narrow.gflops
    assert 0 < narrow.parameters < wide.parameters


def test_the_weight_of_the_loss_is_undone(name, trainee):
    """With a positive weight of ω a logit of ln ω means a probability of one half."""
    if not isinstance(trainee, DenseTrainee):
        pytest.skip("learns from bodies: no positive weight")
    image, _ = training_scene(np.random.default_rng(5), 64, 64, "suspension")
    plain = trainee.probabilities(image, LossConfiguration(crystal_positive_weight=1.0))[0].astype(np.float64)
    undone = trainee.probabilities(image, LossConfiguration(crystal_positive_weight=30.0))[0]
    assert np.allclose(undone, plain / (plain + 30 * (1 - plain)), atol=1e-5)


def test_a_name_that_is_none_is_refused():
    with pytest.raises(TrainingError, match="choose from ours"):
        build("unett", 8, 0)
