"""The network of the seed paper: U-Net with Mish, feature pyramid, augmentation and attention gates."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import nn

from engine.network.attention import AttentionGate
from engine.network.blocks import ConvolutionBlock
from engine.network.configuration import NetworkConfiguration
from engine.network.pyramid import FeaturePyramid


class CrystalNetwork(nn.Module):
    """Logits of crystal and contact for a normalised grey image."""

    def __init__(self, configuration: NetworkConfiguration) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.configuration = configuration
        channels, pyramid_width = configuration.channels, configuration.pyramid_width
        activation = configuration.activation
        decoded = range(configuration.stages - 1)
        self.encoder = nn.ModuleList(
            ConvolutionBlock(before, after, activation)
            for before, after in zip((configuration.in_channels, *channels[:-1]), channels, strict=True)
        )
        self.pyramid = FeaturePyramid(configuration)
        # The finest level is where the pixels are: it is narrowed to the encoder's own width before the
        # gate, which halves the decoder's most expensive convolution.
        gated = [channels[0] if level == 0 else pyramid_width for level in decoded]
        self.narrowing = nn.ModuleList(
            nn.Conv2d(pyramid_width, width, 1) if width != pyramid_width else nn.Identity() for width in gated
        )
        self.top = nn.Conv2d(pyramid_width, channels[-1], 1)
        self.upsampling = nn.ModuleList(
            nn.ConvTranspose2d(channels[level + 1], channels[level], 2, 2) for level in decoded
        )
        self.gates = (
            nn.ModuleList(AttentionGate(gated[level], channels[level], activation) for level in decoded)
            if configuration.attention_gates
            else None
        )
        self.decoder = nn.ModuleList(
            ConvolutionBlock(channels[level] + gated[level], channels[level], activation) for level in decoded
        )
        self.head = nn.Conv2d(channels[0], configuration.out_channels, 1)

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        """Map float (B, 1, H, W), H and W multiples of the stride, to logits (B, out_channels, H, W)."""
        features: list[torch.Tensor] = []
        x_BCHW = image_BCHW
        for stage, block in enumerate(self.encoder):
            x_BCHW = block(x_BCHW if stage == 0 else F.max_pool2d(x_BCHW, 2))
            features.append(x_BCHW)
        levels = self.pyramid(features)
        decoded_BCHW = features[-1] + self.top(levels[-1])
        for level in range(len(self.decoder) - 1, -1, -1):
            signal_BCHW = self.upsampling[level](decoded_BCHW)
            skip_BCHW = self.narrowing[level](levels[level])
            if self.gates is not None:
                skip_BCHW = self.gates[level](skip_BCHW, signal_BCHW)
            decoded_BCHW = self.decoder[level](torch.cat([skip_BCHW, signal_BCHW], 1))
        logits_BCHW: torch.Tensor = self.head(decoded_BCHW)
        return logits_BCHW
