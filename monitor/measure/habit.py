"""Outward form, judged from the outline alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from monitor.records import Habit
from monitor.settings.measuring import MeasuringSettings


def ellipse_circumference(area_px: float, axis_ratio: float) -> float:
    """Circumference, px, of the ellipse of this area (px²) and ratio of short to long axis (Ramanujan
    1914)."""
    long_px = math.sqrt(area_px / (math.pi * axis_ratio))
    short_px = long_px * axis_ratio
    h = ((long_px - short_px) / (long_px + short_px)) ** 2
    return math.pi * (long_px + short_px) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))


def judge_habit(figures: Mapping[str, float], settings: MeasuringSettings) -> Habit:
    """Judge a whole outline (one that does not touch the border); the first question that is answered
    decides.

    `figures`: `area_px`, `perimeter_px`, `length_px`, `width_px`, `aspect_ratio`, `solidity` as in
    `Observation`. `precipitate` is never given: one small outline cannot tell a drop of oil from a crystal.
    """
    area_px, aspect_ratio = figures["area_px"], figures["aspect_ratio"]
    if 2 * math.sqrt(area_px / math.pi) < settings.habit_min_diameter_px:
        return Habit.UNKNOWN
    if figures["solidity"] < settings.aggregate_solidity:
        return Habit.AGGREGATE
    if aspect_ratio < settings.needle_aspect_ratio:
        return Habit.NEEDLE
    axis_ratio = figures["width_px"] / figures["length_px"]
    if ellipse_circumference(area_px, axis_ratio) >= settings.rounded_ellipticity * figures["perimeter_px"]:
        return Habit.ROUNDED
    return Habit.PLATE if aspect_ratio >= settings.plate_aspect_ratio else Habit.PRISM
