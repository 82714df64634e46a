"""What is remembered of each field between two scrapes: the last figures, and no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from monitor.records import CompletionState, FrameResult, GrowthFit


@dataclass(slots=True)
class FieldGlance:
    """One field's last figures."""

    completion: CompletionState | None = None
    """State and forecast after the last commit."""
    elapsed_s: float | None = None
    """Time of the last frame, seconds since the run's epoch."""
    count: int | None = None
    """Confirmed crystals in the last good frame."""
    total_area_px: float | None = None
    """Their area, px²."""
    total_area_um2: float | None = None
    """Their area, µm²."""
    image_px: int | None = None
    """Area of that image, px²."""
    focus: float | None = None
    """Focus of the last frame that had one."""
    light: float | None = None
    """Light of the last frame that had one."""
    fits: dict[int, GrowthFit] = field(default_factory=dict)
    """Last fit of every crystal that lives."""

    def see(self, result: FrameResult) -> None:
        """A frame of the field was committed."""
        self.elapsed_s = result.elapsed_s
        self.completion = result.completion or self.completion
        if result.quality.focus is not None:
            self.focus = result.quality.focus
        if result.quality.light is not None:
            self.light = result.quality.light
        if result.tracker is None:
            return
        self.count = result.count
        self.total_area_px, self.total_area_um2 = result.total_area_px, result.total_area_um2
        self.image_px = (result.width_px or 0) * (result.height_px or 0) or None
        for fit in result.fits:
            self.fits[fit.crystal_id] = fit
        for end in result.tracker.ended:
            self.fits.pop(end.crystal_id, None)

    @property
    def coverage(self) -> float | None:
        """Fraction of the field that crystals cover, 0 to 1."""
        if self.total_area_px is None or not self.image_px:
            return None
        return self.total_area_px / self.image_px

    def median_rate_um_per_s(self) -> float | None:
        """Median growth rate of the crystals that live, µm/s; None where none is known."""
        return _median([fit.rate_um_per_s for fit in tuple(self.fits.values())])

    def median_rate_px_per_s(self) -> float | None:
        """The same, px/s."""
        return _median([fit.rate_px_per_s for fit in tuple(self.fits.values())])


def _median(rates: Sequence[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return median(known) if known else None
