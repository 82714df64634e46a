"""Thresholds of the post-processing, as they stand in the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Thresholds:
    """From probabilities to bodies; probabilities are calibrated, lengths and areas in px."""

    crystal: float = 0.5
    """Probability from which a pixel is crystal."""
    contact: float = 0.15
    """Probability from which a crystal pixel is cut, to part crystals that touch."""
    seed_area_px: int = 12
    """Smallest part left by the cut that becomes a body of its own, px²."""
    minimal_area_px: int = 12
    """Smallest body that is reported, px²."""
    hole_area_px: int = 4096
    """Largest hole inside one body that is filled, px²."""
    hole_fraction: float = 0.5
    """Largest hole that is filled, as a fraction of the body around it, whatever its area."""
    minimal_score: float = 0.7
    """Smallest mean probability of a body that is reported."""
    small_area_px: int = 0
    """Area below which a body has to reach `small_score` as well, px²: specks of dust are small and doubtful."""
    small_score: float = 0.0
    """Smallest mean probability of such a small body."""

    def to_json(self) -> dict[str, Any]:
        """Give the thresholds as they stand in the card."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Thresholds:
        """Read thresholds; raise ValueError for an unknown name or a probability outside 0…1."""
        unknown = sorted(set(value) - {entry.name for entry in fields(cls)})
        if unknown:
            raise ValueError(f"unknown thresholds {unknown}")
        result = cls(**value)
        for name in ("crystal", "contact", "hole_fraction", "minimal_score", "small_score"):
            if not 0.0 <= getattr(result, name) <= 1.0:
                raise ValueError(f"threshold {name} is {getattr(result, name)}, outside 0 to 1")
        return result
