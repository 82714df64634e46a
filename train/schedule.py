"""The learning rate over a run, and how far along a run is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from train.configuration import OptimiserConfiguration


def learning_rate(progress: float, step: int, settings: OptimiserConfiguration) -> float:
    """Linear warm-up over steps, times the decay over `progress` (0 at the start, 1 at the end) or over steps."""
    rate = settings.learning_rate * min(1.0, (step + 1) / settings.warm_up_steps)
    if settings.schedule == "cosine":
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        rate *= settings.final_share + (1 - settings.final_share) * cosine
    if settings.decay_of == "learning_rate":
        rate /= 1 + settings.weight_decay * step
    return rate


def progress_of(step: int, steps: int, begun: float, used: float) -> float:
    """Progress of the decay: by steps, or by time where time runs out first.

    `used` is the share (0..1) of this process's time allowance that is used up, `begun` the progress at
    which it took over. Without an allowance `used` is 0 and steps alone count, which is what makes a
    run repeatable.
    """
    return min(1.0, max(step / steps, begun + (1 - begun) * used))
