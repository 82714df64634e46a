"""What was recovered from a simulated run, by the daemon or by its stages alone, against the exact truth.

Crystals are matched by place: the truth's label under a trail's centroid. A crystal that the daemon fused or split
matches what lies under it, so that its error counts rather than vanishes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.records import BirthKind
from monitor.settings.simulation import SimulationSettings
from monitor.simulation.microscope import SimulatedMicroscope
from monitor.simulation.truth import CrystalTruth, FrameTruth

Row = Mapping[str, Any]

SMALLEST_JUDGED_PX = 20.0
"""Area bias is judged on crystals of at least this area-equivalent diameter."""
SMALLEST_BIRTH_PX = 10.0
"""A birth is to be found where the crystal comes to this area-equivalent diameter within the frames."""


@dataclass(frozen=True, slots=True)
class Births:
    """Births that were told against those that there were."""

    true: int
    """Crystals that were born in the run and came to 10 px in diameter in view."""
    found: int
    """Of those, how many a trail lies on that began as a birth."""
    false: int
    """Trails that began as a birth without being one: on no crystal, on one that was there from the start, or on one
    whose birth was told before."""
    errors_s: tuple[float, ...] = field(repr=False)
    """Told less true time of those that were found, seconds."""


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
    """Relative error of every fitted growth rate above its detection floor, against the truth over its window."""
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
    births: Births
    """Births in the run."""

    @property
    def rate_bias(self) -> float:
        """Median of the relative errors of growth rate."""
        return float(np.median(self.rate_errors)) if self.rate_errors else math.nan

    @property
    def median_rate_error(self) -> float:
        """Median of the absolute relative errors of growth rate."""
        return float(np.median(np.abs(self.rate_errors))) if self.rate_errors else math.nan


class Truth:
    """The simulation's truth at any time; what is asked for again is remembered."""

    def __init__(self, settings: SimulationSettings) -> None:
        """Simulate the run of `settings`."""
        self._scope = SimulatedMicroscope(settings)
        self._crystals: dict[float, dict[int, CrystalTruth]] = {}
        self._total_um2: dict[float, float] = {}
        self.run = self._scope.truth_run()

    def labels_at(self, elapsed_s: float) -> NDArray[np.int32]:
        """True identities at that time, int32, shape (H, W); not remembered."""
        shot = self._scope.at(elapsed_s)
        self._remember(elapsed_s, shot.truth)
        return shot.labels_HW

    def crystals(self, elapsed_s: float) -> Mapping[int, CrystalTruth]:
        """True crystals in view at that time, by number."""
        if elapsed_s not in self._crystals:
            self._remember(elapsed_s, self._scope.at(elapsed_s).truth)
        return self._crystals[elapsed_s]

    def total_um2(self, elapsed_s: float) -> float:
        """True total area at that time, µm²."""
        self.crystals(elapsed_s)
        return self._total_um2[elapsed_s]

    def diameter_um(self, crystal: int, elapsed_s: float) -> float | None:
        """Area-equivalent diameter of a true crystal, µm; None where it is not there."""
        found = self.crystals(elapsed_s).get(crystal)
        return None if found is None else found.equivalent_diameter_um

    def _remember(self, elapsed_s: float, truth: FrameTruth) -> None:
        self._crystals[elapsed_s] = {crystal.id: crystal for crystal in truth.crystals}
        self._total_um2[elapsed_s] = truth.total_area_um2


def compare(
    settings: SimulationSettings, trails: Sequence[Row], points: Sequence[Row], summary: Row
) -> Recovery:
    """Judge one run.

    Args:
        settings: of the simulation that the run looked at.
        trails: rows of `trail_summary` of the run; of those without `birth_kind` no birth is judged.
        points: rows of `growth_history` of the run, every one.
        summary: the run's row of `run_summary`.
    """
    truth = Truth(settings)
    frames: dict[float, list[Row]] = defaultdict(list)
    for point in points:
        frames[float(point["elapsed_s"])].append(point)
    matches: dict[int, list[int]] = defaultdict(list)
    area_errors: list[float] = []
    for elapsed_s in sorted(frames):
        labels_HW = truth.labels_at(elapsed_s)
        for point in frames[elapsed_s]:
            under = _under(labels_HW, point)
            matches[point["crystal_id"]].append(under)
            true = truth.crystals(elapsed_s).get(under)
            if true is not None and _judged_for_area(point, true):
                area_errors.append(point["area_px"] / true.area_px - 1)
    majority = {trail: Counter(seen).most_common(1)[0][0] for trail, seen in matches.items()}
    errors, covered = _rates(truth, points, majority)
    last_s = max(frames, default=0.0)
    smallest_px = min((p["equivalent_diameter_px"] for p in points), default=0.0)
    completed_s = _number(summary["completed_elapsed_s"])
    final_um2 = truth.run.final_area_um2
    return Recovery(
        trails=len(trails),
        true_crystals=sum(
            2 * math.sqrt(crystal.area_px / math.pi) >= smallest_px
            for crystal in truth.crystals(last_s).values()
        ),
        last_count=len(frames.get(last_s, ())),
        rate_errors=tuple(errors),
        rate_covered=float(np.mean(covered)) if covered else math.nan,
        area_bias=float(np.mean(area_errors)) if area_errors else math.nan,
        induction_s=_number(summary["induction_s"]),
        true_induction_s=_number(truth.run.induction_s),
        completed_s=completed_s,
        true_t95_s=_number(truth.run.completion_s),
        completed_fraction=(
            truth.total_um2(completed_s) / final_um2 if math.isfinite(completed_s) and final_um2 else math.nan
        ),
        identity_switches=sum(
            under not in {0, majority[trail]} for trail, seen in matches.items() for under in seen
        ),
        births=_births(truth, trails, majority, frames),
    )


def _under(labels_HW: NDArray[np.int32], point: Row) -> int:
    """The true crystal under a point's centroid; 0 for none."""
    height, width = labels_HW.shape
    row = min(max(round(point["centroid_y_px"]), 0), height - 1)
    column = min(max(round(point["centroid_x_px"]), 0), width - 1)
    return int(labels_HW[row, column])


def _judged_for_area(point: Row, true: CrystalTruth) -> bool:
    """Whether the whole crystal is in view on its own, and large enough."""
    return (
        point["equivalent_diameter_px"] >= SMALLEST_JUDGED_PX
        and not point["touches_border"]
        and not point["in_contact"]
        and not true.in_contact
        and not true.touches_border
    )


def _rates(
    truth: Truth, points: Sequence[Row], majority: Mapping[int, int]
) -> tuple[list[float], list[bool]]:
    """Relative errors of all rates that were fitted, and whether each interval contains the truth.

    The truth of a fit is the mean rate of the true diameter over the fit's own window.
    """
    errors: list[float] = []
    covered: list[bool] = []
    for point in points:
        crystal = majority.get(point["crystal_id"], 0)
        rate, window_s, end_s = point["growth_rate_um_per_s"], point["fit_window_s"], point["elapsed_s"]
        if not crystal or rate is None or not window_s:
            continue
        first = truth.diameter_um(crystal, float(end_s) - float(window_s))
        last = truth.diameter_um(crystal, float(end_s))
        if first is None or last is None:
            continue
        true_rate = (last - first) / float(window_s)
        low, high = point["growth_rate_low_um_per_s"], point["growth_rate_high_um_per_s"]
        if low is not None and high is not None:
            covered.append(bool(low <= true_rate <= high))
        # Below the floor of what the window can tell from none there is no rate to be right or wrong about.
        if true_rate > float(point["detection_floor_um_per_s"] or 0.0):
            errors.append(float(rate) / true_rate - 1)
    return errors, covered


def _births(
    truth: Truth, trails: Sequence[Row], majority: Mapping[int, int], moments_s: Iterable[float]
) -> Births:
    """Births told against births that there were."""
    largest_px: dict[int, float] = defaultdict(float)
    for elapsed_s in moments_s:
        for number, crystal in truth.crystals(elapsed_s).items():
            diameter_px = 2 * math.sqrt(crystal.area_px / math.pi)
            largest_px[number] = max(largest_px[number], diameter_px)
    born_s = {birth.id: birth.at_s for birth in truth.run.births if not birth.present_at_start}
    due = {number for number in born_s if largest_px[number] >= SMALLEST_BIRTH_PX}
    told: dict[int, float] = {}
    false = 0
    for trail in trails:
        if trail.get("birth_kind") != BirthKind.BORN:
            continue
        crystal_id = majority.get(trail["crystal_id"], 0)
        if crystal_id not in born_s or crystal_id in told:
            false += 1
        else:
            told[crystal_id] = _number(trail["birth_s"])
    errors_s = (told[number] - born_s[number] for number in sorted(due & told.keys()))
    return Births(len(due), len(due & told.keys()), false, tuple(e for e in errors_s if math.isfinite(e)))


def _number(value: object) -> float:
    return math.nan if value is None else float(str(value))
