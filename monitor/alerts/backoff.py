"""How long a sink that failed is left alone: twice as long with every failure, up to a limit, shortened by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass

_LONGEST_ASKED_S = 3600.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with a cap and jitter (a share between a half and the whole)."""

    first_s: float
    """Before the second attempt, seconds."""
    longest_s: float
    """Never longer than this, seconds, unless the receiver asks for more."""

    def wait_s(self, failures: int, chance: random.Random, asked_s: float | None = None) -> float:
        """Seconds to wait after so many failures in a row (from 1); `asked_s`: what the receiver asked for."""
        grown_s: float = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 60))
        own_s = grown_s * chance.uniform(0.5, 1.0)
        return own_s if asked_s is None else max(own_s, min(asked_s, _LONGEST_ASKED_S))
