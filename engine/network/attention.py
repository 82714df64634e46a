"""The attention gate between a pyramid level and the decoder's signal."""

from __future__ import annotations

import torch
from torch import nn

from engine.network.blocks import activation_layer
from engine.network.configuration import Activation


class AttentionGate(nn.Module):
    """α·x with α = sigmoid(ψ·act(W_x·x + W_g·g + b_g) + b_ψ); x and g have the same height and width."""

    def __init__(self, x_channels: int, g_channels: int, activation: Activation) -> None:
        """Make a gate of x by g."""
        super().__init__()
        inner = max(8, x_channels // 2)
        self.weigh_x = nn.Conv2d(x_channels, inner, 1, bias=False)
        self.weigh_g = nn.Conv2d(g_channels, inner, 1)
        self.activation = activation_layer(activation)
        self.psi = nn.Conv2d(inner, 1, 1)

    def forward(self, x_BCHW: torch.Tensor, g_BCHW: torch.Tensor) -> torch.Tensor:
        """Give x (B, C, H, W) weighed by the gate (B, 1, H, W)."""
        alpha_BCHW = torch.sigmoid(self.psi(self.activation(self.weigh_x(x_BCHW) + self.weigh_g(g_BCHW))))
        return x_BCHW * alpha_BCHW
