"""Outward form, judged from the outline alone."""

from __future__ import annotations

import math

from monitor.records import Habit
from monitor.settings.measuring import MeasuringSettings


def ellipse_circumference(area_px: float, aspect_ratio: float) -> float:
    """Circumference, px, of the ellipse of this area (px²) and ratio of axes (Ramanujan 1914)."""
    long_px = math.sqrt(area_px / (math.pi * aspect_ratio))
    short_px = long_px * aspect_ratio
    h = ((long_px - short_px) / (long_px + short_px)) ** 2
    return math.pi * (long_px + short_px) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))


def judge_habit(
    area_px: float, perimeter_px: float, aspect_ratio: float, solidity: float, settings: MeasuringSettings
) -> Habit:
    """Judge a whole outline (one that does not touch the border); the order of the questions is the order
    here.

    `precipitate` is never given: one small outline cannot tell a drop of oil from a crystal.
    """
    if 2 * math.sqrt(area_px / math.pi) < settings.habit_min_diameter_px:
        return Habit.UNKNOWN
    if solidity < settings.aggregate_solidity:
        return Habit.AGGREGATE
    if aspect_ratio < settings.needle_aspect_ratio:
        return Habit.NEEDLE
    if ellipse_circumference(area_px, aspect_ratio) >= settings.rounded_ellipticity * perimeter_px:
        return Habit.ROUNDED
    return Habit.PLATE if aspect_ratio >= settings.plate_aspect_ratio else Habit.PRISM
