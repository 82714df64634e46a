"""SegNet (Badrinarayanan, Kendall and Cipolla, 2017): pooling indices carry edges to the decoder."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from train.networks.vgg import CONVOLUTIONS, convolutions, stage_channels


class SegNet(nn.Module):
    """VGG16's convolutions, mirrored; the decoder un-pools with the places of the encoder's maxima."""

    def __init__(self, width: int, out_channels: int = 2) -> None:
        """Make the network with `width` channels in the first stage (64 in the paper)."""
        super().__init__()
        channels = stage_channels(width)
        before = (1, *channels[:-1])
        self.encoder = nn.ModuleList(
            convolutions(i, [o] * count) for i, o, count in zip(before, channels, CONVOLUTIONS, strict=True)
        )
        after = (width, *channels[:-1])
        self.decoder = nn.ModuleList(
            convolutions(own, [own] * (count - 1) + [out])
            for own, out, count in zip(channels, after, CONVOLUTIONS, strict=True)
        )
        self.head = nn.Conv2d(width, out_channels, 3, padding=1)

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        """Logits (B, out, H, W) of (B, 1, H, W); H and W are multiples of 32."""
        places: list[torch.Tensor] = []
        x_BCHW = image_BCHW
        for block in self.encoder:
            x_BCHW, place = functional.max_pool2d(block(x_BCHW), 2, return_indices=True)
            places.append(place)
        for level in range(len(places) - 1, -1, -1):
            x_BCHW = self.decoder[level](functional.max_unpool2d(x_BCHW, places[level], [2, 2]))
        logits_BCHW: torch.Tensor = self.head(x_BCHW)
        return logits_BCHW
