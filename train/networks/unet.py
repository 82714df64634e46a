"""U-Net (Ronneberger and others, 2015), with batch normalisation and padded convolutions."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from engine.network.blocks import ConvolutionBlock

STAGES = 5
STRIDE = 2 ** (STAGES - 1)


class UNet(nn.Module):
    """Five stages of two 3×3 convolutions with ReLU, channels doubled at each; up-convolutions and skips."""

    def __init__(self, width: int, out_channels: int = 2) -> None:
        """Make the network with `width` channels in the first stage (64 in the paper)."""
        super().__init__()
        channels = [width * 2**stage for stage in range(STAGES)]
        self.encoder = nn.ModuleList(
            ConvolutionBlock(before, after, "relu")
            for before, after in zip([1, *channels[:-1]], channels, strict=True)
        )
        self.upsampling = nn.ModuleList(
            nn.ConvTranspose2d(below, own, 2, 2) for own, below in pairwise(channels)
        )
        self.decoder = nn.ModuleList(ConvolutionBlock(2 * own, own, "relu") for own in channels[:-1])
        self.head = nn.Conv2d(width, out_channels, 1)

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        """Logits (B, out, H, W) of (B, 1, H, W); H and W are multiples of 16."""
        features: list[torch.Tensor] = []
        x_BCHW = image_BCHW
        for stage, block in enumerate(self.encoder):
            x_BCHW = block(x_BCHW if stage == 0 else functional.max_pool2d(x_BCHW, 2))
            features.append(x_BCHW)
        for level in range(STAGES - 2, -1, -1):
            x_BCHW = self.decoder[level](torch.cat([features[level], self.upsampling[level](x_BCHW)], 1))
        logits_BCHW: torch.Tensor = self.head(x_BCHW)
        return logits_BCHW
