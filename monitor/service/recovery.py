"""What the daemon recovered from a simulated run, against the simulation's exact truth.

Crystals are matched by place: the truth's label under a trail's centroid. A crystal that the daemon fused or split
matches what lies under it, so that its error counts rather than vanishes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from monitor.settings.simulation import SimulationSettings
from monitor.simulation import SimulatedMicroscope

Row = Mapping[str, Any]

SMALLEST_JUDGED_PX = 20.0
"""Area bias is judged on crystals of at least this area-equivalent diameter."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Recovered against true; a figure is NaN where nothing could be compared."""

    trails: int
    """Confirmed trails."""
    true_crystals: int
    """Crystals that were in view at the last frame, and at least as large as the daemon's detection limit."""
    last_count: int
    """Crystals that the daemon had in the last frame."""
    rate_errors: tuple[float, ...] = field(repr=False)
    """Relative error of each judged trail's growth rate against the truth over the same window."""
    rate_covered: float
    """Fraction of the 95 % intervals that contain the truth."""
    area_bias: float
    """Mean relative error of area, free crystals of at least 20 px diameter."""
    induction_s: float
    """Recovered induction time, seconds."""
    true_induction_s: float
    """True time of the first nucleus, seconds."""
    completed_s: float
    """When the daemon announced completion, elapsed seconds."""
    true_t95_s: float
    """When the total area truly reached 95 % of its final value, elapsed seconds."""
    completed_fraction: float
    """True area at the announcement over the true final area."""
    identity_switches: int
    """Times that a trail's point lay on another true crystal than most of its points."""

    @property
    def median_rate_error(self) -> float:
        """Median of the absolute relative errors of growth rate."""
        return float(np.median(np.abs(self.rate_errors))) if self.rate_errors else math.nan


class Truth:
    """The simulation's truth at any time, remembered where it is asked for again."""

    def __init__(self, settings: SimulationSettings) -> None:
        """Simulate the run of `settings`."""
        self.scope = SimulatedMicroscope(settings)
        self.shot = lru_cache(maxsize=64)(self.scope.at)
        self.run = self.scope.truth_run()

    def diameter_um(self, crystal: int, elapsed_s: float) -> float | None:
        """Area-equivalent diameter of a true crystal, µm; None where it is not there."""
        for truth in self.shot(elapsed_s).truth.crystals:
            if truth.id == crystal:
                return truth.equivalent_diameter_um
        return None


def compare(
    settings: SimulationSettings, trails: Sequence[Row], points: Sequence[Row], summary: Row
) -> Recovery:
    """Judge one run.

    Args:
        settings: of the simulation that the run looked at.
        trails: rows of `trail_summary` of the run.
        points: rows of `growth_history` of the run, every one.
        summary: the run's row of `run_summary`.
    """
    truth = Truth(settings)
    by_trail: dict[int, list[Row]] = defaultdict(list)
    matches: dict[int, list[int]] = defaultdict(list)
    area_errors = []
    for point in sorted(points, key=lambda row: float(row["elapsed_s"])):
        shot = truth.shot(float(point["elapsed_s"]))
        row, column = round(point["centroid_y_px"]), round(point["centroid_x_px"])
        height, width = shot.labels_HW.shape
        under = int(shot.labels_HW[min(max(row, 0), height - 1), min(max(column, 0), width - 1)])
        by_trail[point["crystal_id"]].append(point)
        matches[point["crystal_id"]].append(under)
        judged = point["equivalent_diameter_px"] >= SMALLEST_JUDGED_PX
        if under and judged and not point["touches_border"] and not point["in_contact"]:
            true_px = next(
                (c.area_px for c in shot.truth.crystals if c.id == under and not c.in_contact), None
            )
            if true_px:
                area_errors.append(point["area_px"] / true_px - 1)
    majority = {trail: Counter(seen).most_common(1)[0][0] for trail, seen in matches.items()}
    switches = sum(
        sum(1 for under in seen if under not in (0, majority[trail])) for trail, seen in matches.items()
    )
    errors, covered = _rates(truth, trails, majority)
    last_s = max((float(p["elapsed_s"]) for p in points), default=0.0)
    floor_px = min((p["equivalent_diameter_px"] for p in points), default=0.0)
    last_truth = truth.shot(last_s).truth
    completed_s = _number(summary["completed_elapsed_s"])
    final_um2 = truth.run.final_area_um2
    return Recovery(
        trails=len(trails),
        true_crystals=sum(1 for c in last_truth.crystals if 2 * math.sqrt(c.area_px / math.pi) >= floor_px),
        last_count=sum(1 for p in points if float(p["elapsed_s"]) == last_s),
        rate_errors=tuple(errors),
        rate_covered=float(np.mean(covered)) if covered else math.nan,
        area_bias=float(np.mean(area_errors)) if area_errors else math.nan,
        induction_s=_number(summary["induction_s"]),
        true_induction_s=_number(truth.run.induction_s),
        completed_s=completed_s,
        true_t95_s=_number(truth.run.completion_s),
        completed_fraction=(
            truth.shot(completed_s).truth.total_area_um2 / final_um2
            if math.isfinite(completed_s) and final_um2
            else math.nan
        ),
        identity_switches=switches,
    )


def _rates(
    truth: Truth, trails: Sequence[Row], majority: Mapping[int, int]
) -> tuple[list[float], list[bool]]:
    """Relative errors of the trails' growth rates, and whether each interval contains the truth."""
    errors: list[float] = []
    covered: list[bool] = []
    for trail in trails:
        crystal = majority.get(trail["crystal_id"], 0)
        rate, window_s, end_s = trail["growth_rate_um_per_s"], trail["fit_window_s"], trail["fit_ended_s"]
        if not crystal or rate is None or not window_s or end_s is None:
            continue
        first = truth.diameter_um(crystal, float(end_s) - float(window_s))
        last = truth.diameter_um(crystal, float(end_s))
        if first is None or last is None:
            continue
        true_rate = (last - first) / float(window_s)
        covered.append(
            bool(trail["growth_rate_low_um_per_s"] <= true_rate <= trail["growth_rate_high_um_per_s"])
        )
        # Below the floor of what the window can tell from none there is no rate to be right or wrong about.
        if true_rate > float(trail["detection_floor_um_per_s"] or 0.0):
            errors.append(float(rate) / true_rate - 1)
    return errors, covered


def _number(value: object) -> float:
    return math.nan if value is None else float(str(value))
