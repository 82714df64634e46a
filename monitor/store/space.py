"""How much room a station needs."""

from __future__ import annotations

from dataclasses import dataclass

_SECONDS_PER_DAY = 86_400.0

# Measured with tests/benchmarks/bench_store.py on SQLite: bytes in the file per row, indexes included.
_BYTES_PER_POINT = 280
_BYTES_PER_FRAME = 600


@dataclass(frozen=True, slots=True)
class SpaceEstimate:
    """Growth of the store in a day."""

    rows_per_day: float
    """Rows of `frame_log` and `growth_history` together."""
    bytes_per_day: float
    """Bytes in the database file."""


def estimate_space(analysis_interval_s: float, crystals: float) -> SpaceEstimate:
    """Rows and bytes a day with a frame every `analysis_interval_s` seconds and so many crystals in view."""
    frames = _SECONDS_PER_DAY / analysis_interval_s
    return SpaceEstimate(
        rows_per_day=frames * (1 + crystals),
        bytes_per_day=frames * (_BYTES_PER_FRAME + crystals * _BYTES_PER_POINT),
    )
