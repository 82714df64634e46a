"""Growth rates, as users buy them: simulated runs through the daemon's own measuring, tracking and kinetics.

A segmenter sees each frame; what it finds goes the way that it goes in the daemon (`monitor.measure`,
`monitor.tracker`, `monitor.kinetics`, their default settings); `monitor.simulation.recovery`, which judges the daemon's
acceptance, judges what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.kinetics import KineticsInput, initial_state
from monitor.kinetics import step as kinetics_step
from monitor.measure import measure
from monitor.settings.kinetics import KineticsSettings
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.simulation import PRESETS, SimulatedMicroscope
from monitor.simulation.recovery import Recovery, compare
from monitor.tracker import TrackerInput, TrackerState
from monitor.tracker import step as tracker_step
from train.configuration import Configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from monitor.records import GrowthFit, TrackPoint
    from train.segmenting import Segment

    Row = dict[str, Any]

GROWTH_PRESETS = ("demo", "needles", "dense", "static")
"""Prisms and plates; needles; many that touch; a field in which nothing grows. Where crystals merge, the truth has one
number for both from then on, and neither births nor identities can be judged by it."""
GROWTH_SEEDS = (9001, 9002)
"""Seeds of the runs; no training run uses them."""
FRAMES = 72
"""Frames of a run, at equal intervals (50 s in a run of an hour)."""
NO_SUMMARY = {"completed_elapsed_s": None, "induction_s": None}
"""Completion and induction are the daemon's acceptance's to judge."""


class GrowthScores(Configuration):
    """Growth of simulated crystals against the truth, pooled over runs."""

    runs: int
    """Simulated runs."""
    rates: int
    """Fitted rates that lie above what their window can tell from none."""
    rate_error_median: float | None
    """Median of the size of a rate's relative error; None: there was no rate."""
    rate_bias_median: float | None
    """Median of the relative errors."""
    covered: float | None
    """Share of all 95 % intervals that hold the truth, the mean over runs; None: there was no interval."""
    births_true: int
    """Births of crystals that came to 10 px in diameter."""
    births_found: int
    """Of those, how many were told."""
    births_false: int
    """Births told that were none."""
    birth_error_median_s: float | None
    """Median of the size of the error of a birth's time, s; None: no birth was found."""
    identity_switches: int
    """Points of a trail on another crystal than most of its points."""


@dataclass(frozen=True)
class Followed:
    """A run as the trail store would hold it, by the names of its views.

    Attributes:
        trails: a row for each confirmed crystal (`trail_summary`).
        points: a row for each of their sightings (`growth_history`).
    """

    trails: list[Row]
    points: list[Row]


def follow(
    frames: Iterable[tuple[float, npt.NDArray[np.uint8]]], segment: Segment, um_per_px: float
) -> Followed:
    """Take frames (elapsed seconds, rising; image) through the stages that the daemon takes them through."""
    tracker, kinetics = TrackerState(), initial_state(KineticsSettings())
    points: list[Row] = []
    births: dict[int, Row] = {}
    for index, (elapsed_s, image_HW) in enumerate(frames):
        found = segment(image_HW)
        observations = measure(
            found.labels_HW, found.probability_HW, found.scores, um_per_px, MeasuringSettings()
        )
        tracker, tracked = tracker_step(
            tracker, TrackerInput(index, elapsed_s, found.labels_HW, observations), TrackingSettings()
        )
        height, width = image_HW.shape
        kinetics, grown = kinetics_step(
            kinetics, KineticsInput(elapsed_s, um_per_px, width, height, tracked), KineticsSettings()
        )
        fits = {fit.crystal_id: fit for fit in grown.fits}
        points += [_point(point, fits.get(point.crystal_id)) for point in tracked.updated]
        for birth in tracked.born:
            births[birth.crystal_id] = {
                "crystal_id": birth.crystal_id,
                "birth_kind": birth.kind,
                "birth_s": None,
            }
        for number, fit in fits.items():
            if number in births and fit.birth_s is not None:
                births[number]["birth_s"] = fit.birth_s
    # views hold the points before a crystal's confirmation, too, and nothing of what never was confirmed
    return Followed(list(births.values()), [point for point in points if point["crystal_id"] in births])


def recovered(segment: Segment, preset: str, seed: int, frames: int = FRAMES) -> Recovery:
    """One simulated run, from its images to its growth rates, against its truth."""
    settings = PRESETS[preset].model_copy(update={"seed": seed})
    microscope = SimulatedMicroscope(settings)
    interval_s = settings.duration_s / frames

    def sights() -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
        for index in range(frames):
            yield index * interval_s, np.asarray(microscope.render_only(index * interval_s), np.uint8)

    followed = follow(sights(), segment, settings.um_per_px)
    return compare(settings, followed.trails, followed.points, NO_SUMMARY)


def scores_of(runs: Sequence[Recovery]) -> GrowthScores:
    """Runs pooled."""
    errors = [error for run in runs for error in run.rate_errors]
    births_s = [error for run in runs for error in run.births.errors_s]
    covered = [run.rate_covered for run in runs if np.isfinite(run.rate_covered)]
    return GrowthScores(
        runs=len(runs),
        rates=len(errors),
        rate_error_median=float(np.median(np.abs(errors))) if errors else None,
        rate_bias_median=float(np.median(errors)) if errors else None,
        covered=float(np.mean(covered)) if covered else None,
        births_true=sum(run.births.true for run in runs),
        births_found=sum(run.births.found for run in runs),
        births_false=sum(run.births.false for run in runs),
        birth_error_median_s=float(np.median(np.abs(births_s))) if births_s else None,
        identity_switches=sum(run.identity_switches for run in runs),
    )


def evaluate_growth(
    segment: Segment,
    presets: Sequence[str] = GROWTH_PRESETS,
    seeds: Sequence[int] = GROWTH_SEEDS,
    frames: int = FRAMES,
) -> dict[str, Any]:
    """Growth of each preset over its seeds, and of all of them together."""
    runs = {preset: [recovered(segment, preset, seed, frames) for seed in seeds] for preset in presets}
    pooled = scores_of([run for mine in runs.values() for run in mine])
    return {
        "all": pooled.model_dump(),
        "presets": {preset: scores_of(mine).model_dump() for preset, mine in runs.items()},
    }


def _point(point: TrackPoint, fit: GrowthFit | None) -> Row:
    seen = point.observation
    return {
        "crystal_id": point.crystal_id,
        "elapsed_s": point.elapsed_s,
        "centroid_x_px": seen.centroid_x_px,
        "centroid_y_px": seen.centroid_y_px,
        "area_px": seen.area_px,
        "equivalent_diameter_px": seen.equivalent_diameter_px,
        "touches_border": seen.touches_border,
        "in_contact": seen.in_contact,
        "growth_rate_um_per_s": fit.rate_um_per_s if fit else None,
        "growth_rate_low_um_per_s": fit.low_um_per_s if fit else None,
        "growth_rate_high_um_per_s": fit.high_um_per_s if fit else None,
        "detection_floor_um_per_s": fit.detection_floor_um_per_s if fit else None,
        "fit_window_s": fit.fit_window_s if fit else None,
    }
