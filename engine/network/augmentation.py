"""Residual feature augmentation with adaptive spatial fusion, at the top of the pyramid (AugFPN).

Pooling to a ratio of the map's size and resizing back are both linear along each axis, so each branch
is M_H · x · M_Wᵀ with a small matrix per axis. Written that way the arithmetic is that of
`adaptive_avg_pool2d` followed by a bilinear `interpolate`, but it exports to ONNX with a free height and
width, which adaptive pooling does not.
"""

from __future__ import annotations

import torch
from torch import nn

from engine.network.blocks import activation_layer
from engine.network.configuration import Activation


def pool_and_resize_matrix(size: int, ratio: float) -> torch.Tensor:
    """Matrix (size, size) float32 that pools an axis to `ratio` of its size and resizes it back.

    Pooled to n = max(1, round(size·ratio)) bins with the bounds of adaptive average pooling, then
    resized bilinearly with corners not aligned. Rows sum to 1.
    """
    # Whole numbers, so that an export with a free size can follow them.
    bins = (size * round(ratio * 100) + 50) // 100
    if isinstance(bins, int):
        bins = max(1, bins)
    bin_index = torch.arange(bins).unsqueeze(1)
    position = torch.arange(size).unsqueeze(0)
    start = torch.div(bin_index * size, bins, rounding_mode="floor")
    end = torch.div((bin_index + 1) * size + bins - 1, bins, rounding_mode="floor")
    inside = ((position >= start) & (position < end)).to(torch.float32)
    pooling = inside / (end - start).to(torch.float32)
    source = (torch.arange(size).to(torch.float32) + 0.5) * bins / size - 0.5
    source = torch.minimum(source.clamp(min=0.0), torch.zeros_like(source) + (bins - 1))
    distance = (source.unsqueeze(1) - torch.arange(bins).to(torch.float32).unsqueeze(0)).abs()
    resizing = (1.0 - distance).clamp(min=0.0)
    return resizing @ pooling


class AdaptiveSpatialFusion(nn.Module):
    """Weighted sum of branches, with one weight map per branch predicted from all of them."""

    def __init__(self, channels: int, branches: int, activation: Activation) -> None:
        """Make the fusion of a number of branches."""
        super().__init__()
        self.squeeze = nn.Conv2d(channels * branches, channels, 1)
        self.activation = activation_layer(activation)
        self.weigh = nn.Conv2d(channels, branches, 3, padding=1)

    def forward(self, branches_BCHW: list[torch.Tensor]) -> torch.Tensor:
        """Fuse maps of equal shape (B, C, H, W) into one; the weights sum to 1 at each pixel."""
        stacked_BCHW = self.activation(self.squeeze(torch.cat(branches_BCHW, 1)))
        weights_BCHW = torch.softmax(self.weigh(stacked_BCHW), 1)
        fused_BCHW = branches_BCHW[0] * weights_BCHW[:, 0:1]
        for index, branch_BCHW in enumerate(branches_BCHW[1:], start=1):
            fused_BCHW = fused_BCHW + branch_BCHW * weights_BCHW[:, index : index + 1]
        return fused_BCHW


class ResidualFeatureAugmentation(nn.Module):
    """Pool the top map to several ratios of its own size, project, resize back, and fuse."""

    def __init__(
        self, in_channels: int, out_channels: int, ratios: tuple[float, ...], activation: Activation
    ) -> None:
        """Make one branch per ratio."""
        super().__init__()
        self.ratios = ratios
        self.projections = nn.ModuleList(nn.Conv2d(in_channels, out_channels, 1) for _ in ratios)
        self.fusion = AdaptiveSpatialFusion(out_channels, len(ratios), activation)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Give the context (B, out, H, W) that is added to the pyramid's top level."""
        height, width = x_BCHW.shape[-2:]
        branches = []
        for projection, ratio in zip(self.projections, self.ratios, strict=True):
            # The 1×1 projection commutes with both axes' matrices and is cheaper before them.
            projected_BCHW = projection(x_BCHW)
            along_height = pool_and_resize_matrix(height, ratio).to(projected_BCHW)
            along_width = pool_and_resize_matrix(width, ratio).to(projected_BCHW)
            branches.append(along_height @ projected_BCHW @ along_width.T)
        result: torch.Tensor = self.fusion(branches)
        return result
