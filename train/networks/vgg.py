"""The thirteen convolutions of VGG16 that FCN and SegNet are built on, with batch normalisation."""

from __future__ import annotations

from torch import nn

STRIDE = 32
"""Five halvings."""
CONVOLUTIONS = (2, 2, 3, 3, 3)
"""Convolutions of each stage."""


def stage_channels(width: int) -> tuple[int, ...]:
    """Channels of each stage; 64, 128, 256, 512, 512 at VGG's own width of 64."""
    return (width, 2 * width, 4 * width, 8 * width, 8 * width)


def convolutions(in_channels: int, channels: list[int]) -> nn.Sequential:
    """3×3 convolutions with batch normalisation and ReLU, one for each entry of `channels`."""
    layers: list[nn.Module] = []
    for before, after in zip([in_channels, *channels[:-1]], channels, strict=True):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)
