"""The convolution block of encoder and decoder."""

from __future__ import annotations

import torch
from torch import nn

from engine.network.configuration import Activation


def activation_layer(name: Activation) -> nn.Module:
    """Give the non-linearity by its name; Mish is x·tanh(ln(1 + e^x))."""
    if name == "mish":
        return nn.Mish()
    if name == "relu":
        return nn.ReLU()
    return nn.SiLU()


class ConvolutionBlock(nn.Module):
    """Two 3×3 convolutions, each with batch normalisation and the non-linearity."""

    def __init__(self, in_channels: int, out_channels: int, activation: Activation) -> None:
        """Make a block."""
        super().__init__()
        self.first_convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(out_channels)
        self.second_convolution = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(out_channels)
        self.activation = activation_layer(activation)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Map float (B, in, H, W) to (B, out, H, W)."""
        x_BCHW = self.activation(self.first_norm(self.first_convolution(x_BCHW)))
        result: torch.Tensor = self.activation(self.second_norm(self.second_convolution(x_BCHW)))
        return result
