"""FCN-8s (Long, Shelhamer and Darrell, 2015) on a VGG16 encoder."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from train.networks.vgg import CONVOLUTIONS, convolutions, stage_channels


class FCN8s(nn.Module):
    """Scores at strides 32, 16 and 8, each up-sampled and added to the next finer one.

    As published but for two things: batch normalisation (there are no ImageNet weights to start from), and
    bilinear up-sampling in place of transposed convolutions that start as bilinear.
    """

    def __init__(self, width: int, out_channels: int = 2) -> None:
        """Make the network with `width` channels in the first stage (64 in the paper)."""
        super().__init__()
        channels = stage_channels(width)
        self.encoder = nn.ModuleList(
            convolutions(before, [after] * count)
            for before, after, count in zip((1, *channels[:-1]), channels, CONVOLUTIONS, strict=True)
        )
        wide = 64 * width
        self.classifier = nn.Sequential(
            nn.Conv2d(channels[-1], wide, 7, padding=3), nn.ReLU(), nn.Dropout2d(),
            nn.Conv2d(wide, wide, 1), nn.ReLU(), nn.Dropout2d(),
            nn.Conv2d(wide, out_channels, 1),
        )  # fmt: skip
        self.score_16 = nn.Conv2d(channels[3], out_channels, 1)
        self.score_8 = nn.Conv2d(channels[2], out_channels, 1)

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        """Logits (B, out, H, W) of (B, 1, H, W); H and W are multiples of 32."""
        pooled: list[torch.Tensor] = []
        x_BCHW = image_BCHW
        for block in self.encoder:
            x_BCHW = functional.max_pool2d(block(x_BCHW), 2)
            pooled.append(x_BCHW)
        score_BCHW = _doubled(self.classifier(x_BCHW)) + self.score_16(pooled[3])
        score_BCHW = _doubled(score_BCHW) + self.score_8(pooled[2])
        return functional.interpolate(score_BCHW, scale_factor=8, mode="bilinear", align_corners=False)


def _doubled(x_BCHW: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x_BCHW, scale_factor=2, mode="bilinear", align_corners=False)
