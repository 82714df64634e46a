"""The feature pyramid: 1×1 laterals and a top-down sum over the encoder's stages."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import nn

from engine.network.augmentation import ResidualFeatureAugmentation
from engine.network.configuration import NetworkConfiguration


class FeaturePyramid(nn.Module):
    """Pyramid levels of equal channels from encoder maps, finest first."""

    def __init__(self, configuration: NetworkConfiguration) -> None:
        """Make the laterals, and the augmentation if the configuration has it."""
        super().__init__()
        channels, width = configuration.channels, configuration.pyramid_width
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.augmentation = (
            ResidualFeatureAugmentation(
                channels[-1], width, configuration.pooling_ratios, configuration.activation
            )
            if configuration.residual_feature_augmentation
            else None
        )

    def forward(self, features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Map encoder maps (B, c_i, H/2^i, W/2^i) to levels (B, pyramid_width, H/2^i, W/2^i)."""
        level_BCHW: torch.Tensor = self.laterals[-1](features[-1])
        if self.augmentation is not None:
            level_BCHW = level_BCHW + self.augmentation(features[-1])
        levels = [level_BCHW]
        for index in range(len(features) - 2, -1, -1):
            upsampled_BCHW = F.interpolate(level_BCHW, scale_factor=2, mode="nearest")
            level_BCHW = self.laterals[index](features[index]) + upsampled_BCHW
            levels.insert(0, level_BCHW)
        return levels
