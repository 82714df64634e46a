"""The modern network: a ConvNeXt encoder (2022) under a U-Net decoder, from segmentation-models-pytorch and timm."""

from __future__ import annotations

import segmentation_models_pytorch as smp
from torch import nn

STRIDE = 32
DEPTHS = (2, 2, 6, 2)
"""Blocks of each stage, those of ConvNeXt-Atto to -Nano."""


def convnext_unet(width: int, out_channels: int = 2) -> nn.Module:
    """A network with `width` channels in the encoder's first stage (40 in ConvNeXt-Atto), random weights."""
    stages = tuple(width * 2**stage for stage in range(len(DEPTHS)))
    network: nn.Module = smp.Unet(
        "tu-convnext_atto",
        encoder_weights=None,
        encoder_depth=len(DEPTHS),
        in_channels=1,
        classes=out_channels,
        decoder_channels=(stages[2], stages[1], stages[0], stages[0]),
        dims=stages,
        depths=DEPTHS,
    )
    return network
