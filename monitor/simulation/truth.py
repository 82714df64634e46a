"""What is true of a simulated run, exactly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CrystalTruth:
    """One crystal at one moment; its outline is the outer edge of the dark rim."""

    id: int
    """Number of the crystal, > 0, never reused; its value in labels_HW."""
    birth_s: float
    """Time of its birth, s of the run; 0 where it was present at the start."""
    present_at_start: bool
    """Whether it was there when the run began."""
    x_px: float
    """Column of the point it grew from, px in this frame."""
    y_px: float
    """Row of the point it grew from, px in this frame."""
    area_px: float
    """Visible projected area, px², sub-pixel; only the part in the frame."""
    area_um2: float
    """Visible projected area, µm²."""
    equivalent_diameter_um: float
    """Diameter of the circle of the visible area, µm."""
    growth_rate_um_per_s: float
    """d(equivalent diameter)/dt that the crystal has by itself now, µm/s: while it is free and whole, the
    rate of its visible diameter; once it touches another, what it would have without."""
    touches_border: bool
    """Whether the frame cuts it off."""
    habit: str
    """Habit that its shape was drawn from (`prism`, `plate`, `needle`, `rounded`, `domain`)."""
    in_contact: bool
    """Whether it touches another crystal (or has since merged with one)."""


@dataclass(frozen=True)
class FrameTruth:
    """The field at one moment."""

    elapsed_s: float
    """Time of the run, s."""
    crystals: tuple[CrystalTruth, ...]
    """Every crystal of at least one pixel in view, by number."""
    total_area_px: float
    """Sum of the visible areas, px²."""
    total_area_um2: float
    """Sum of the visible areas, µm²."""
    fraction: float
    """Total visible area relative to the frame's area (0..1)."""
    supersaturation: float
    """Supersaturation relative to the initial one (1 at the start; constant unless growing)."""
    nucleated: int
    """Crystals born by now, those present at the start included."""
    shift_x_px: float
    """Displacement of the field in the frame along x, px (drift and vibration)."""
    shift_y_px: float
    """Displacement of the field in the frame along y, px (drift and vibration)."""


@dataclass(frozen=True)
class Birth:
    """When a crystal was born."""

    id: int
    """Number of the crystal."""
    at_s: float
    """Time of birth, s of the run; 0 where present at the start."""
    present_at_start: bool
    """Whether it was there when the run began."""


@dataclass(frozen=True)
class MergeTruth:
    """Two crystals that became one: their boundary can no longer be resolved."""

    at_s: float
    """Time of merging, s of the run."""
    id: int
    """Number that ends."""
    into_id: int
    """Number that goes on."""


@dataclass(frozen=True)
class ContactTruth:
    """When two crystals first touch."""

    at_s: float
    """Time of the first touch, s of the run; 0 where they touch from the start."""
    id: int
    """Number of the elder crystal."""
    other_id: int
    """Number of the younger crystal."""


@dataclass(frozen=True)
class RunTruth:
    """The whole run."""

    births: tuple[Birth, ...]
    """Every crystal, by time."""
    merges: tuple[MergeTruth, ...]
    """Every merging, by time."""
    contacts: tuple[ContactTruth, ...]
    """Every pair that comes to touch while crystals grow, by time; in the field or just beside it."""
    expected_births: float
    """Integral of nucleation rate times free area over the run: the mean of the number born."""
    induction_s: float | None
    """Time of the first birth, s; None where there is none, or where crystals were there from the start."""
    completion_s: float | None
    """Time at which the total visible area reaches 95 % of its final value, s; None unless it grows."""
    t99_s: float | None
    """Time at which the total visible area reaches 99 % of its final value, s; None unless it grows."""
    stopped_s: float | None
    """Time at which the growth rate falls below 1 % of the initial one for good, s; None if it never does."""
    final_area_um2: float
    """Total visible area at the end of the run, µm²."""
