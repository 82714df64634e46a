"""How far a back end may be from the reference; a precision that needs more room says so in the model's card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class ParityLimits:
    """Limits of the gate; all of them must hold."""

    mask_iou: float = 0.995
    """Least intersection over union of the crystal masks, pixels of all frames together, 0…1."""
    area_bias: float = 0.001
    """Largest relative difference of the total crystal area, either way."""
    area_difference_p99: float = 0.01
    """Largest 99th percentile of the crystals' relative differences of area, for d >= 20 px."""
    bodies_found: float = 0.98
    """Least share of the reference's crystals of d >= 20 px that are found as one body again."""

    def to_json(self) -> dict[str, float]:
        """Give the limits as they stand in a card."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, float]) -> ParityLimits:
        """Read limits, the house's where one is not named; raise ValueError for what is no limit within 0 to 1."""
        unknown = sorted(set(value) - {entry.name for entry in fields(cls)})
        if unknown:
            raise ValueError(f"unknown parity limits {unknown}")
        for name, limit in value.items():
            if not isinstance(limit, int | float) or not 0 <= limit <= 1:
                raise ValueError(f"parity limit {name} is {limit!r}, not within 0 to 1")
        return cls(**value)
