"""Every network by name: how it is built at a width, and what it is called in tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from train.errors import TrainingError
from train.networks import fcn8s, ours, segnet, unet, vgg
from train.networks.trainee import DenseTrainee

if TYPE_CHECKING:
    from collections.abc import Callable

    from train.configuration import TrainingConfiguration
    from train.networks.trainee import Trainee


@dataclass(frozen=True)
class NetworkKind:
    """A network that has a width.

    Attributes:
        name: on the command line.
        title: in tables.
        build: makes it with random weights at a width.
        published_width: width in the paper that it comes from.
    """

    name: str
    title: str
    build: Callable[[int], Trainee]
    published_width: int


def _convnext_unet(width: int) -> Trainee:
    from train.networks import convnext_unet  # noqa: PLC0415 - the library takes seconds to import

    return DenseTrainee(convnext_unet.convnext_unet(width), convnext_unet.STRIDE)


def _mask_rcnn(width: int) -> Trainee:
    from train.networks.mask_rcnn import MaskRcnnTrainee  # noqa: PLC0415 - the library takes seconds to import

    return MaskRcnnTrainee(width)


def _without_rfa(width: int) -> Trainee:
    return ours.ours(replace(ours.WHOLE, residual_feature_augmentation=False), width)


def _without_gates(width: int) -> Trainee:
    return ours.ours(replace(ours.WHOLE, attention_gates=False), width)


def _without_both(width: int) -> Trainee:
    bare = replace(ours.WHOLE, residual_feature_augmentation=False, attention_gates=False)
    return ours.ours(bare, width)


def _with_relu(width: int) -> Trainee:
    return ours.ours(replace(ours.WHOLE, activation="relu"), width)


def _with_distance(width: int) -> Trainee:
    return ours.ours(replace(ours.WHOLE, out_channels=ours.CHANNELS_OF_DISTANCE), width)


_KINDS = (
    NetworkKind("ours", "ours (Mish, pyramid, RFA, gates)", lambda width: ours.ours(ours.WHOLE, width), 64),
    NetworkKind("unet", "U-Net", lambda width: DenseTrainee(unet.UNet(width), unet.STRIDE), 64),
    NetworkKind("fcn8s", "FCN-8s", lambda width: DenseTrainee(fcn8s.FCN8s(width), vgg.STRIDE), 64),
    NetworkKind("segnet", "SegNet", lambda width: DenseTrainee(segnet.SegNet(width), vgg.STRIDE), 64),
    NetworkKind("mask-rcnn", "Mask R-CNN", _mask_rcnn, 64),
    NetworkKind("convnext-unet", "ConvNeXt U-Net", _convnext_unet, 40),
    NetworkKind("ours-without-rfa", "ours without RFA", _without_rfa, 64),
    NetworkKind("ours-without-gates", "ours without gates", _without_gates, 64),
    NetworkKind("ours-without-both", "ours without both", _without_both, 64),
    NetworkKind("ours-relu", "ours, ReLU for Mish", _with_relu, 64),
    NetworkKind("ours-transformer", "ours and a transformer block", ours.ours_with_transformer, 64),
    NetworkKind("ours-distance", "ours and a distance head", _with_distance, 64),
)
NETWORKS = {kind.name: kind for kind in _KINDS}
"""Every network by its name."""


def build(name: str, width: int, seed: int) -> Trainee:
    """A network with weights drawn by a seed; raises `TrainingError` for a name that is none."""
    if name not in NETWORKS:
        raise TrainingError(f"no network is named {name!r}: choose from {', '.join(NETWORKS)}")
    torch.manual_seed(seed)
    return NETWORKS[name].build(width)


def build_configured(configuration: TrainingConfiguration) -> Trainee:
    """The network of a run, whole or pruned, with weights drawn by the run's seed; raises `TrainingError`."""
    if not configuration.stage_channels:
        return build(configuration.network, configuration.width, configuration.seed)
    if configuration.network != "ours":
        raise TrainingError(f"{configuration.network} cannot be pruned: only `ours` has channels by stage")
    torch.manual_seed(configuration.seed)
    pruned = replace(ours.WHOLE, stage_channels=configuration.stage_channels)
    return ours.ours(pruned, configuration.width)
