"""Temperature and shift under which a probability is right most nearly (Guo and others 2017), beside the area's shift.

The weighted cross-entropy's weight ω is undone exactly (p/(p + ω(1 − p))) before this is asked, so that a network that
has learned what it was taught needs a temperature of 1 and no shift; how far it is from that tells of the fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from train.errors import TrainingError
from train.metrics.calibration import CalibrationCurve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Map = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]
    """Probability of crystal, and whether a pixel is."""

LOGIT_BINS = 2048
FURTHEST_LOGIT = 14.0
"""Beyond it a logit counts as this much; a float32 probability does not tell more."""


@dataclass(frozen=True)
class Temperature:
    """What the logit z is made: z/temperature + shift.

    Attributes:
        temperature: above 1: the network was too sure.
        shift: added after the division.
        error_before, error_after: expected calibration error on maps that the two were not fitted to.
    """

    temperature: float
    shift: float
    error_before: float
    error_after: float


def fit_temperature(maps: Sequence[Map]) -> Temperature:
    """Fit on every other map by likelihood, judge on the rest; raises `TrainingError` for fewer than two maps."""
    if len(maps) < 2:
        raise TrainingError("a temperature needs two probability maps or more: one to fit, one to judge")
    crystal, other = (sum(counts) for counts in zip(*(_counted(*one) for one in maps[::2]), strict=True))
    if not crystal.sum() or not other.sum():
        raise TrainingError("a temperature needs maps with crystal and with background")
    edges = np.linspace(-FURTHEST_LOGIT, FURTHEST_LOGIT, LOGIT_BINS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    total = crystal.sum() + other.sum()

    def unlikelihood(values: npt.NDArray[np.float64]) -> float:
        logits = middle * np.exp(values[0]) + values[1]
        return float((crystal * np.logaddexp(0, -logits) + other * np.logaddexp(0, logits)).sum() / total)

    inverse, shift = minimize(unlikelihood, np.zeros(2), method="Nelder-Mead").x
    temperature = float(np.exp(-inverse))
    judged = maps[1::2]
    before, after = (
        _error([(cooled(probability, *values), true) for probability, true in judged])
        for values in ((1.0, 0.0), (temperature, float(shift)))
    )
    return Temperature(temperature, float(shift), before, after)


def cooled(
    probability_HW: npt.NDArray[np.float32], temperature: float, shift: float
) -> npt.NDArray[np.float32]:
    """Probability whose logit is divided by the temperature, then shifted."""
    return np.asarray(1 / (1 + np.exp(-(_logit(probability_HW) / temperature + shift))), np.float32)


def _counted(
    probability_HW: npt.NDArray[np.float32], true_HW: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pixels of crystal and of background by logit."""
    place = (_logit(probability_HW) + FURTHEST_LOGIT) / (2 * FURTHEST_LOGIT) * LOGIT_BINS
    index = np.clip(place.astype(np.int64), 0, LOGIT_BINS - 1).ravel()
    crystal = np.bincount(index[true_HW.ravel()], minlength=LOGIT_BINS).astype(np.float64)
    return crystal, np.bincount(index, minlength=LOGIT_BINS) - crystal


def _logit(probability_HW: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    least = 1 / (1 + np.exp(FURTHEST_LOGIT))
    clipped = np.clip(probability_HW.astype(np.float64), least, 1 - least)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


def _error(maps: Sequence[Map]) -> float:
    curve = CalibrationCurve()
    for probability_HW, true_HW in maps:
        curve.add(probability_HW, true_HW)
    return curve.scores().expected_calibration_error
