"""Bar 3 of the engine: with the change gate on, the same crystals, the same areas, and no false completion."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import ChangeGate
from monitor.records import BirthKind, RunState
from monitor.settings.simulation import SimulationSettings
from monitor.simulation import PRESETS
from tests.benchmarks.gated_runs import Difference, Timed, Watched, difference, filmed, simulated, watch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

AREA_ERROR = 0.005
STATIC, DEMO, RIPENING = PRESETS["static"], PRESETS["demo"], PRESETS["ripening"]


def trembling(settings: SimulationSettings, vibration_px: float = 0.1) -> SimulationSettings:
    """With a table that trembles."""
    optics = settings.optics.model_copy(update={"vibration_px": vibration_px})
    return settings.model_copy(update={"optics": optics})


def creeping() -> SimulationSettings:
    """Crystals that grow by a thousandth of a pixel a second: no two frames in a row differ."""
    growth = STATIC.growth.model_copy(
        update={"mode": "growing", "rate_um_per_s": 0.001, "final_coverage": 0.9}
    )
    return trembling(STATIC).model_copy(update={"growth": growth, "duration_s": 2000.0})


@dataclass(frozen=True)
class Pair:
    """A run without and with the gate."""

    plain: Watched
    gated: Watched

    @property
    def difference(self) -> Difference:
        """How they differ."""
        return difference(self.gated, self.plain)


def both(frames: Callable[[], Iterable[Timed]], gate: ChangeGate, um_per_px: float | None = 0.5) -> Pair:
    return Pair(watch(frames(), None, um_per_px), watch(frames(), gate, um_per_px))


def assert_the_same(pair: Pair) -> None:
    """Same crystals under the same numbers, same areas."""
    found = pair.difference
    assert found.points > 20, "the control: there are crystals"
    for kind in (BirthKind.BORN, BirthKind.PRESENT_AT_START, BirthKind.ENTERED):
        assert pair.gated.births().get(kind) == pair.plain.births().get(kind)
    assert found.strangers_apart <= 0.005 * found.points, (
        "only what flickers at the detection limit comes and goes"
    )
    assert not found.strangers or found.entangled <= 0.2 * len(pair.plain.areas())
    assert np.abs(found.total).max() <= AREA_ERROR
    assert np.median(np.abs(found.crystal)) <= AREA_ERROR
    lag, noise = (float(np.sqrt(np.mean(each**2))) for each in (found.lag, found.noise))
    assert lag <= max(noise, AREA_ERROR), "a carried area is no further off than camera noise puts a new one"


def test_a_still_field_saves_most_tiles_and_becomes_complete_once_it_was_watched() -> None:
    pair = both(lambda: simulated(trembling(STATIC), np.arange(0, 800, 5.0)), ChangeGate())
    assert_the_same(pair)
    assert pair.gated.saved >= 0.7
    plain_s, gated_s = (
        run.results[-1].completion.completed_elapsed_s  # type: ignore[union-attr]  # the last frame was good
        for run in (pair.plain, pair.gated)
    )
    assert plain_s is not None
    assert gated_s is not None
    assert 600.0 <= gated_s <= plain_s + 2 * ChangeGate().max_age_s
    carried = [p for result in pair.gated.results for p in result.tracker.updated if p.carried]  # type: ignore[union-attr]
    assert len(carried) > 0.7 * pair.difference.points
    assert not any(p.fit_for_growth for p in carried)


def test_the_demonstration_comes_out_the_same() -> None:
    pair = both(lambda: simulated(DEMO, np.arange(0, 3600, 20.0)), ChangeGate(max_age_s=60.0))
    assert_the_same(pair)
    assert RunState.COMPLETE in pair.plain.states(), "the control"
    first = [run.states().index(RunState.COMPLETE) * 20.0 for run in (pair.plain, pair.gated)]
    assert first[0] - 80.0 <= first[1] <= first[0] + 160.0, "within two looks at the whole field"
    assert pair.gated.saved > 0.1


def test_ripening_comes_out_the_same() -> None:
    pair = both(lambda: simulated(RIPENING, np.arange(0, 600, 10.0)), ChangeGate(max_age_s=60.0))
    assert_the_same(pair)
    assert RunState.COMPLETE not in pair.gated.states()


def test_growth_too_slow_for_two_frames_is_seen_and_never_complete() -> None:
    pair = both(lambda: simulated(creeping(), np.arange(0, 1200, 10.0)), ChangeGate())
    assert_the_same(pair)
    assert pair.gated.saved >= 0.3, "the control: most frames show no change"
    assert pair.plain.total_px()[-1] > 1.05 * pair.plain.total_px()[0], "the control: it does grow"
    assert RunState.COMPLETE not in pair.gated.states()


def test_the_film_comes_out_the_same(shared_data: Path) -> None:
    folder = shared_data / "film-growth"
    with (folder / "timestamps.csv").open(encoding="utf-8") as file:
        times_s = [float(row["seconds"]) for row in csv.DictReader(file)]
    pair = both(lambda: filmed(folder / "frames", times_s), ChangeGate(), None)
    assert_the_same(pair)
    assert RunState.COMPLETE not in pair.gated.states()


def test_the_ice_comes_out_the_same(shared_data: Path) -> None:
    # Faster than it was, so that the gate decides and not the age of what it keeps.
    pair = both(
        lambda: filmed(shared_data / "ice-coarsening" / "frames", np.arange(10) * 2.0), ChangeGate(), 0.44
    )
    assert_the_same(pair)
    assert RunState.COMPLETE not in pair.gated.states()


@pytest.mark.parametrize(
    "picture", ["ice-coarsening/frames", "film-growth/frames", "suspension/frames", "drops"]
)
def test_a_real_picture_at_rest_is_inferred_once(shared_data: Path, picture: str) -> None:
    path = sorted(each for each in (shared_data / picture).iterdir() if each.suffix in (".png", ".jpg"))[0]
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    rng = np.random.default_rng(7)

    def at_rest() -> Iterable[Timed]:
        for second in range(6):
            # Not shaken: the picture's own frozen noise would move with it, as no camera's noise does.
            level = image + rng.normal(0, 1.5, image.shape)
            yield float(second), level.clip(0, 255).round().astype(np.uint8)

    gated = watch(at_rest(), ChangeGate(), None)
    assert gated.saved >= 0.6, "five of six frames show nothing new"
