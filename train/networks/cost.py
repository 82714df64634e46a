"""What a network costs, and the width at which it costs what another does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.thresholds import Thresholds
from monitor.simulation import training_scene
from train.configuration import Configuration, LossConfiguration
from train.errors import TrainingError
from train.networks.registry import NETWORKS, build

if TYPE_CHECKING:
    from train.networks.trainee import Trainee

SIDE_PX = 256
"""Side of the frame that costs are counted on."""
WIDEST = 128
"""Widest first stage that is tried."""


class Cost(Configuration):
    """Of one network at one width."""

    network: str
    """Name in the registry."""
    width: int
    """Channels of its first stage."""
    gflops: float
    """Floating-point operations for a frame of 256×256, 10⁹ (a multiplication and an addition are two)."""
    parameters: int
    """Numbers that are learned."""


def count_flops(trainee: Trainee, side_px: int = SIDE_PX) -> float:
    """Floating-point operations of finding the crystals in a frame, as torch counts them.

    Mask R-CNN's depend on what it finds; with random weights it proposes as many regions as it may, so its
    figure is what a full frame costs.
    """
    image, _ = training_scene(np.random.default_rng(0), side_px, side_px, "suspension")
    with FlopCounterMode(display=False) as counter:
        trainee.segment(image, LossConfiguration(), Thresholds())
    return float(counter.get_total_flops())


def cost_of(network: str, width: int) -> Cost:
    """Count a network at a width."""
    trainee = build(network, width, seed=0)
    parameters = sum(parameter.numel() for parameter in trainee.module.parameters())
    with torch.random.fork_rng():
        flops = count_flops(trainee)
    return Cost(network=network, width=width, gflops=round(flops / 1e9, 4), parameters=parameters)


def match(network: str, gflops: float) -> Cost:
    """The width at which a network costs as near to `gflops` as it can.

    Cost grows with width, so the width is found by halving. Raises `TrainingError` if the widest is too cheap.
    """
    if network not in NETWORKS:
        raise TrainingError(f"no network is named {network!r}: choose from {', '.join(NETWORKS)}")
    low, high = 1, WIDEST
    if cost_of(network, high).gflops < gflops:
        raise TrainingError(
            f"{network} costs less than {gflops} GFLOP even at {WIDEST} channels: ask for less"
        )
    while low < high:
        middle = (low + high) // 2
        if cost_of(network, middle).gflops < gflops:
            low = middle + 1
        else:
            high = middle
    around = [cost_of(network, width) for width in (low - 1, low) if width]
    return min(around, key=lambda cost: abs(cost.gflops - gflops))
