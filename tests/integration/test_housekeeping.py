"""Between frames the analysis thins what is due: a slice a wait, none where a frame is near or nothing is due."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from monitor.analysis.housekeeping import LOOK_EVERY_S, Housekeeping
from monitor.clock import Instant
from monitor.records import Alert, AlertKind
from monitor.records.delivery import Subscription
from monitor.records.run import RunEnded
from monitor.settings.retention import RetentionSettings
from monitor.store import Flood, TrailReader, open_store
from tests import trail_results as made


class SetClock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.at = made.at(100_000.0)

    def now(self) -> Instant:
        return self.at

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def test_waits_are_used_until_all_is_done(tmp_path: Path) -> None:
    database = str(tmp_path / "trails.sqlite")
    store = open_store(database)
    run = store.start_run(made.run_start())
    for index in range(60):
        store.append(run, made.growing(index, 30))
    store.record(run, RunEnded(made.at(60)))
    clock = SetClock()
    assert not Housekeeping(store, RetentionSettings(), clock).use(1.0), "off by default"
    keeper = Housekeeping(store, RetentionSettings(full_points_days=1), clock)
    assert not keeper.use(0.05), "a frame is near"
    slices = 0
    while keeper.use(1.0):
        slices += 1
    assert slices > 3, "the control: a run is thinned in several waits"
    with TrailReader(database) as reader:
        assert reader.view("tidying_log").column("run_id") == (run.run_id,)
        assert len(reader.view("growth_history")) < 30 * 59 / 4
    second = store.start_run(made.run_start("next"))
    store.record(second, RunEnded(made.at(61)))
    assert not keeper.use(1.0), "nothing is looked for again so soon"
    clock.at = clock.at.after(LOOK_EVERY_S)
    assert keeper.use(1.0)
    store.close()


def test_frames_that_went_are_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(str(tmp_path / "trails.sqlite"))
    run = store.start_run(made.run_start())
    for index in range(50):
        store.append(run, made.result(index))
    store.record(run, RunEnded(made.at(50)))
    keeper = Housekeeping(store, RetentionSettings(full_points_days=1, frames_every_s=10), SetClock())
    with caplog.at_level("INFO"):
        while keeper.use(1.0):
            pass
    store.close()
    assert "run 1 (salt) thinned: 0 of 0 points and 44 frames are gone" in caplog.text


def test_that_a_run_waits_for_its_alerts_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(str(tmp_path / "trails.sqlite"))
    clock = SetClock()
    store.open_outbox(clock, "station", [Subscription("hook", summarise=False)], Flood(0, 60.0))
    run = store.start_run(made.run_start())
    told = Alert("many", AlertKind.COUNT, True, "7 crystals", 7.0, 5.0)
    store.append(run, dataclasses.replace(made.growing(0, 2), alerts=(told,)))
    store.record(run, RunEnded(made.at(1)))
    keeper = Housekeeping(store, RetentionSettings(runs_days=1), clock)
    for _ in range(2):
        assert keeper.use(1.0), "the control: it was met"
        assert not keeper.use(1.0)
        clock.at = clock.at.after(LOOK_EVERY_S)
    said = [record.getMessage() for record in caplog.records if "undelivered" in record.getMessage()]
    assert said == [
        "run 1 (salt) is due for removal and stays until its 1 undelivered alerts are sent or given up"
    ]
    store.close()
