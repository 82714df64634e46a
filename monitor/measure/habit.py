"""Outward form, judged from the outline alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.records import Habit
from monitor.settings.measuring import MeasuringSettings

Float = NDArray[np.float64]


def ellipse_circumference(area_px: Float, axis_ratio: Float) -> Float:
    """Circumferences, px, of ellipses of these areas (px²) and ratios of short to long axis (Ramanujan
    1914)."""
    long_px = np.sqrt(area_px / (np.pi * axis_ratio))
    short_px = long_px * axis_ratio
    h = ((long_px - short_px) / (long_px + short_px)) ** 2
    return np.asarray(np.pi * (long_px + short_px) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h))))


def judge_habits(
    figures: Mapping[str, Float], touches_border: NDArray[np.bool_], settings: MeasuringSettings
) -> list[Habit]:
    """Judge N outlines; the first question that is answered decides.

    `figures`: arrays of length N named `area_px`, `equivalent_diameter_px`, `perimeter_px`, `length_px`,
    `width_px`, `aspect_ratio`, `solidity` as in `Observation`. What the border cuts has no habit. `precipitate`
    is never given: one small outline cannot tell a drop of oil from a crystal.
    """
    aspect_ratio = figures["aspect_ratio"]
    circumference = ellipse_circumference(figures["area_px"], figures["width_px"] / figures["length_px"])
    questions = (
        (
            Habit.UNKNOWN,
            touches_border | (figures["equivalent_diameter_px"] < settings.habit_min_diameter_px),
        ),
        (Habit.AGGREGATE, figures["solidity"] < settings.aggregate_solidity),
        (Habit.NEEDLE, aspect_ratio < settings.needle_aspect_ratio),
        (Habit.ROUNDED, circumference >= settings.rounded_ellipticity * figures["perimeter_px"]),
        (Habit.PLATE, aspect_ratio >= settings.plate_aspect_ratio),
    )
    habits = [*(habit for habit, _ in questions), Habit.PRISM]
    answers = np.select([answer for _, answer in questions], range(len(questions)), len(questions))
    return [habits[index] for index in answers.tolist()]
