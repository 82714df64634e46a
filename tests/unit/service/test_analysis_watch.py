"""What systemd is told of the analysis: proofs, a limit that fits the machine, and a line for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.analysis import Progress
from monitor.clock import Instant
from monitor.records import Forecast, FrameQuality, FrameStatus, RejectReason, RunState
from monitor.records.run import Run, SilenceObserved
from monitor.service.analysis_watch import AnalysisWatch
from monitor.service.status_line import StatusLine
from monitor.settings.station import StationSettings
from tests import trail_results as made
from tests.unit.service.test_grabber_watch import HandClock, Recorded

RUN = Run(1, made.run_start())
GROWING = made.completion(t95=Forecast(600.0, 500.0, 700.0))


def progress(
    index: int = 5, state: RunState = RunState.GROWING, run: Run = RUN, **changes: object
) -> Progress:
    last = replace(
        made.growing(index, 132),
        completion=replace(GROWING, state=state),
        **changes,  # type: ignore[arg-type]
    )
    return Progress(frames=index, last=last, run=run, committed=made.at(index))


def silence(seconds: float, state: RunState) -> SilenceObserved:
    return SilenceObserved(made.at(seconds), "main", made.completion(state), (), made.field_state("silent"))


def local(moment: Instant) -> str:
    return f"{datetime.fromtimestamp(moment.utc_ns / 1e9, UTC).astimezone():%H:%M}"


def test_the_line_has_state_crystals_growth_and_the_time_of_day_of_t95() -> None:
    assert StatusLine().of(progress()) == f"growing · 132 crystals · 6 µm/min · t95 {local(made.at(600))}"


def test_where_time_is_not_the_clocks_the_forecast_counts_from_the_runs_zero() -> None:
    long_past = Run(2, made.run_start(epoch=Instant(1_000_000_000_000_000_000)), zero_s=60.0)
    assert StatusLine().of(progress(run=long_past)).endswith("· t95 9 min")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": RunState.COMPLETE}, "complete · 132 crystals · 6 µm/min"),
        ({"field": "A1"}, f"A1: growing · 132 crystals · 6 µm/min · t95 {local(made.at(600))}"),
        ({"count": 1}, f"growing · 1 crystal · 6 µm/min · t95 {local(made.at(600))}"),
        (
            {"fits": (made.fit(1, rate_um_per_s=None),)},
            f"growing · 132 crystals · 12 px/min · t95 {local(made.at(600))}",
        ),
    ],
)
def test_the_lines_words(changes: dict[str, object], expected: str) -> None:
    assert StatusLine().of(progress(**changes)) == expected  # type: ignore[arg-type]


def test_a_frame_without_sight_keeps_the_figures_and_says_why() -> None:
    line = StatusLine()
    line.of(progress())
    dark = FrameQuality(FrameStatus.REJECTED, RejectReason.DARK, "light is 0.01, at least 0.05")
    unseen = replace(progress(), last=made.without_sight(6, dark, completion=GROWING))
    assert line.of(unseen).startswith(
        "growing · last frame rejected: light is 0.01, at least 0.05 · 132 crystals"
    )


def test_silence_keeps_the_line_until_the_field_is_blind() -> None:
    line = StatusLine()
    growing = line.of(progress())
    quiet = replace(progress(), silence=silence(30, RunState.GROWING))
    assert line.of(quiet) == growing
    blind = replace(progress(), silence=silence(200, RunState.BLIND))
    assert line.of(blind) == f"blind · no good frame since {local(made.at(5))}"
    assert (
        StatusLine().of(Progress(run=RUN, silence=silence(1, RunState.GROWING)))
        == "growing · waiting for frames"
    )


class Bench:
    def __init__(self, **sections: object) -> None:
        self.notifier, self.clock = Recorded(), HandClock()
        self.watch = AnalysisWatch(self.notifier, StationSettings.model_validate(sections), self.clock)


@pytest.mark.parametrize(("interval_s", "limit_s"), [(0, 60), (30, 90), (600, 1800)])
def test_the_limit_is_three_intervals_and_never_less_than_the_least(interval_s: float, limit_s: int) -> None:
    bench = Bench(analysis={"interval_s": interval_s})
    bench.watch.ready()
    assert not [state for state in bench.notifier.sent if "USEC" in state], (
        "the unit's own, until the first proof"
    )
    bench.watch.waiting("waiting for the first frame")
    assert f"WATCHDOG_USEC={limit_s * 1_000_000}" in bench.notifier.sent


def test_a_machine_that_needs_longer_for_a_frame_gets_three_times_that() -> None:
    bench = Bench()
    bench.watch.ready()
    bench.watch.committed(replace(progress(), stages_s={"frame": 19.0}))
    assert bench.notifier.sent.count("WATCHDOG_USEC=60000000") == 1
    bench.watch.committed(replace(progress(), stages_s={"frame": 40.0}))
    assert "WATCHDOG_USEC=120000000" in bench.notifier.sent


def test_a_frame_that_waited_hours_for_its_store_does_not_loosen_the_watchdog() -> None:
    bench = Bench()
    bench.watch.ready()
    bench.watch.waiting("the disk is full")
    bench.watch.committed(replace(progress(), stages_s={"frame": 3600.0}))
    bench.watch.committed(replace(progress(), stages_s={"frame": 19.0}))
    limits = {state for state in bench.notifier.sent if "WATCHDOG_USEC" in state}
    assert limits == {"WATCHDOG_USEC=60000000"}
    bench.watch.committed(replace(progress(), stages_s={"frame": 40.0}))
    assert "WATCHDOG_USEC=120000000" in bench.notifier.sent, "the next frame counts again"


def test_every_commit_and_every_honest_wait_feeds_but_no_more_than_once_a_second() -> None:
    bench = Bench()
    bench.watch.ready()
    bench.watch.committed(progress())
    fed = bench.notifier.fed()
    bench.clock.sleep(5)
    for _ in range(3):
        bench.watch.committed(progress())
    assert bench.notifier.fed() == fed + 1
    bench.clock.sleep(5)
    bench.watch.waiting("the disk is full")
    assert bench.notifier.fed() == fed + 2
    assert bench.notifier.last_status() == "the disk is full"
