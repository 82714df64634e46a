"""The exponential moving average of the weights: what is evaluated and released."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, decay: float) -> None:
    """Move `average` towards `network`; early steps weigh more, so that it soon forgets its start.

    The decay at `step` is min(decay, (1 + step)/(10 + step)). Whole-number buffers are copied.
    """
    share = 1 - min(decay, (1 + step) / (10 + step))
    for mine, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, share)
        else:
            mine.copy_(theirs)
