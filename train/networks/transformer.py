"""A transformer block at the bottleneck: every place of the coarsest map attends to every other."""

from __future__ import annotations

import torch
from torch import nn

HEAD_CHANNELS = 32


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and a two-layer perceptron over the places of a map, each added to its input.

    Where a place lies is told by a depth-wise 3×3 convolution (conditional positional encoding), so that any
    size of map will do.
    """

    def __init__(self, channels: int) -> None:
        """Make a block; the channels are a multiple of 32, or fewer than that."""
        super().__init__()
        self.position = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.attention_norm = nn.LayerNorm(channels)
        self.attention = nn.MultiheadAttention(channels, max(1, channels // HEAD_CHANNELS), batch_first=True)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 2 * channels),
            nn.GELU(),
            nn.Linear(2 * channels, channels),
        )

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to the same shape."""
        batch, channels, height, width = x_BCHW.shape
        placed_BCHW = x_BCHW + self.position(x_BCHW)
        x_BNC = placed_BCHW.flatten(2).transpose(1, 2)
        normed_BNC = self.attention_norm(x_BNC)
        x_BNC = x_BNC + self.attention(normed_BNC, normed_BNC, normed_BNC, need_weights=False)[0]
        x_BNC = x_BNC + self.perceptron(x_BNC)
        result: torch.Tensor = x_BNC.transpose(1, 2).reshape(batch, channels, height, width)
        return result
