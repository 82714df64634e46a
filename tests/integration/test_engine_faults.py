"""Faults of the back end in a run: through the real engine, pipeline, loop and store, every frame is accounted for."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine import Segmenter
from engine.lineup import LineUpSettings
from monitor.analysis.opening import open_analysis
from monitor.analysis.runs import RunKeeper
from monitor.clock import NANOSECONDS_PER_SECOND, Instant, SystemClock
from monitor.errors import EngineLostError, SettingsError
from monitor.frame import Frame, TimeSource
from monitor.settings.station import StationSettings
from tests.failing_backend import FAULTS, Cue
from tests.scripted_analysis import ScriptedSource

FAST, STURDY = "openvino bf16", "openvino f32"
SESSION = "e" * 32
FAULTS_IN_RUN = 100


def frame(index: int) -> Frame:
    """One crystal that grows slowly, on noisy ground; another noise in every frame."""
    image = np.full((128, 160), 170, np.uint8)
    radius = 20 + index // 60
    cv2.circle(image, (80, 64), radius, 110, -1, cv2.LINE_AA)
    cv2.circle(image, (80, 64), radius, 60, 3, cv2.LINE_AA)
    noisy = image + np.random.default_rng(index).normal(0, 2, image.shape)
    shown = noisy.clip(0, 255).astype(np.uint8)
    shown.flags.writeable = False
    return Frame(
        shown, SESSION, index, Instant(index * NANOSECONDS_PER_SECOND), TimeSource.INTERVAL, um_per_px=0.5
    )


class Station:
    """An analysis with a line-up of two real back ends that fail on cue."""

    def __init__(self, folder: Path, **analysis: Any) -> None:
        self.database = folder / "trails.sqlite"
        self.folder = folder
        tree = {"storage": {"database": f"sqlite:///{self.database}"}, "analysis": analysis}
        self.settings = StationSettings.model_validate(tree)
        self.fast, self.sturdy = Cue("auto", name="fast"), Cue("f32", name="sturdy")
        self.segmenter: Segmenter | None = None

    def run(self, script: Iterable[Frame | Callable[[], object]], *, single: bool = False) -> None:
        candidates = [self.fast.candidate()] if single else [self.fast.candidate(), self.sturdy.candidate()]
        behaviour = LineUpSettings(
            on_loss=self.settings.analysis.on_engine_loss, first_retry_s=0.01, longest_retry_s=0.05
        )
        self.segmenter = Segmenter(cache=self.folder / "cache", line_up=(candidates, behaviour))
        source = ScriptedSource(script)
        try:
            with open_analysis(
                self.settings, SystemClock(), source=source, segmenter=self.segmenter
            ) as analysis:
                analysis.loop.run(threading.Event())
        finally:
            self.segmenter.close()

    def rows(self, question: str) -> list[dict[str, Any]]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(question)]
        finally:
            connection.close()

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows("SELECT * FROM event_log ORDER BY event_id") if row["kind"] == kind]

    def frames(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM frame_log ORDER BY frame_index")


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_faults_leave_no_frame_unaccounted(station: Station) -> None:
    station.sturdy = Cue("f32", name="sturdy", shared_with=station.fast)
    chance = np.random.default_rng(3)
    number = itertools.count()

    def script() -> Iterator[Frame | Callable[[], object]]:
        for fault in range(FAULTS_IN_RUN):
            station.fast.fail(sorted(FAULTS)[fault % len(FAULTS)])
            for _ in range(int(chance.integers(1, 4))):
                yield frame(next(number))
        while station.segmenter is not None and station.segmenter.describe != FAST:
            yield frame(next(number))
        for _ in range(3):
            yield frame(next(number))

    station.run(script())
    total = next(number)
    rows = station.frames()
    assert len(station.fast.struck) + len(station.sturdy.struck) == FAULTS_IN_RUN, "the control"
    assert [row["frame_index"] for row in rows] == list(range(total)), "every frame, once"
    assert {row["status"] for row in rows} == {"ok"}, "done again on the next back end, or on a fresh one"
    assert {row["backend"] for row in rows} == {FAST, STURDY}
    assert [row["backend"] for row in rows[-3:]] == [FAST] * 3, "results resume, on the best"
    assert station.rows("SELECT * FROM frame_loss") == []
    struck = [size for cue in (station.fast, station.sturdy) for size in cue.struck]
    degraded = station.events("engine_degraded")
    assert len(degraded) == struck.count((128, 160)), "each loss in a frame is told"
    assert len(degraded) >= FAULTS_IN_RUN // 2, "the control: they struck in frames, not in the gate alone"
    assert station.events("engine_swapped")
    alerts = station.rows("SELECT * FROM event_log WHERE alert_kind = 'engine' ORDER BY event_id")
    assert [alert["kind"] for alert in alerts][:1] == ["alert_raised"]
    assert len(alerts) <= 2 * (1 + total // 300), "no flood"
    (trail,) = station.rows("SELECT * FROM trail_summary")
    assert trail["points"] == total, "the crystal was followed through all of it"


def test_each_frames_row_names_what_ran_and_the_runs_row_what_served_first(station: Station) -> None:
    def script() -> Iterator[Frame | Callable[[], object]]:
        for index in range(3):
            yield frame(index)
        station.fast.always = "device"
        for index in range(3, 6):
            yield frame(index)

    station.run(script())
    assert [row["backend"] for row in station.frames()] == [FAST] * 3 + [STURDY] * 3
    assert station.rows("SELECT backend FROM run_summary") == [{"backend": FAST}]
    (event,) = station.events("engine_degraded")
    assert f"{FAST} was lost (device_lost)" in event["message"]
    assert f"gives way to {STURDY}" in event["message"]
    (alert,) = station.events("alert_raised")[-1:]
    assert alert["alert_kind"] == "engine"
    assert f"{STURDY} runs in place of fast (device_lost" in alert["message"]


def test_where_nothing_works_frames_are_failed_and_results_resume(station: Station) -> None:
    def script() -> Iterator[Frame | Callable[[], object]]:
        yield frame(0)
        station.fast.always = station.sturdy.always = "memory"
        for index in range(1, 5):
            yield frame(index)
        station.fast.always = station.sturdy.always = None
        for index in range(5, 8):
            yield frame(index)

    station.run(script())
    rows = station.frames()
    assert [row["status"] for row in rows] == ["ok"] + ["failed"] * 4 + ["ok"] * 3
    assert {row["reason"] for row in rows[1:5]} == {"engine"}
    assert {row["backend"] for row in rows[1:5]} == {None}
    assert None not in {row["backend"] for row in rows[5:]}
    assert len(station.events("engine_failed")) == len(station.events("engine_back")) == 1
    assert [row["alert_kind"] for row in station.events("alert_raised")].count("engine") == 1


def test_that_the_engine_works_again_is_told_after_a_restart_as_well(station: Station) -> None:
    def breaks() -> Iterator[Frame | Callable[[], object]]:
        yield frame(0)
        station.fast.always = station.sturdy.always = "device"
        yield frame(1)

    station.run(breaks())
    assert len(station.events("engine_failed")) == 1, "the control"
    assert station.events("engine_back") == []
    station.fast.always = station.sturdy.always = None
    station.run(iter([frame(2), frame(3)]))
    assert [row["status"] for row in station.frames()] == ["ok", "failed", "ok", "ok"]
    assert len(station.events("engine_back")) == 1, "once, by the process that saw it"
    station.run(iter([frame(4)]))
    assert len(station.events("engine_back")) == 1


def test_a_single_back_end_is_made_anew(station: Station) -> None:
    def script() -> Iterator[Frame | Callable[[], object]]:
        for index in range(6):
            if index in (2, 3):
                station.fast.fail("other")
            yield frame(index)

    station.run(script(), single=True)
    assert [(row["status"], row["backend"]) for row in station.frames()] == [("ok", FAST)] * 6
    assert len(station.fast.made) == 3
    assert len(station.events("engine_degraded")) == 2
    kinds = [row["kind"] for row in station.rows("SELECT * FROM event_log WHERE alert_kind = 'engine'")]
    assert kinds == ["alert_raised", "alert_cleared"]


def test_a_back_end_that_computes_something_else_is_told_and_does_not_serve(station: Station) -> None:
    station.fast.wrong = True
    station.run(frame(index) for index in range(3))
    assert {row["backend"] for row in station.frames()} == {STURDY}
    (refused,) = station.events("engine_refused")
    assert "fast does not serve (parity)" in refused["message"]
    assert "area bias" in refused["message"]
    assert [row["alert_kind"] for row in station.events("alert_raised")].count("engine") == 1


def test_stop_ends_the_analysis_and_a_start_goes_on(tmp_path: Path) -> None:
    station = Station(tmp_path, on_engine_loss="stop")

    def script() -> Iterator[Frame | Callable[[], object]]:
        yield frame(0)
        station.fast.fail("device")
        for index in range(1, 4):
            yield frame(index)

    with pytest.raises(EngineLostError, match=r"on_engine_loss.*fallen off the bus"):
        station.run(script())
    assert [(row["frame_index"], row["status"], row["reason"]) for row in station.frames()] == [
        (0, "ok", None),
        (1, "failed", "engine"),
    ]
    assert len(station.events("engine_failed")) == 1
    assert [row["alert_kind"] for row in station.events("alert_raised")].count("engine") == 1
    station.run(frame(index) for index in range(2, 5))
    rows = station.frames()
    assert [row["status"] for row in rows] == ["ok", "failed", "ok", "ok", "ok"]
    assert {row["run_id"] for row in rows} == {1}, "the same run"


def test_an_engine_that_cannot_start_stands_in_the_open_run_once(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.run([frame(0)])
    tree = station.settings.model_dump()
    tree["analysis"]["model"] = str(tmp_path / "missing.json")
    broken = StationSettings.model_validate(tree)
    for _ in range(3):
        source = ScriptedSource([frame(1)])
        with (
            pytest.raises(SettingsError, match="engine cannot start"),
            open_analysis(broken, SystemClock(), source=source),
        ):
            raise AssertionError("it is not opened")
    (event,) = station.events("engine_failed")
    assert "missing.json" in event["message"]
    station.run([frame(1)])
    assert [row["status"] for row in station.frames()] == ["ok", "ok"]


def test_a_new_run_says_what_serves_then(tmp_path: Path) -> None:
    station = Station(tmp_path)
    with_loop: list[RunKeeper] = []

    def script() -> Iterator[Frame | Callable[[], object]]:
        yield frame(0)
        station.fast.always = "device"
        yield frame(1)
        with_loop[0].begin_next("second")
        yield frame(2)

    candidates = [station.fast.candidate(), station.sturdy.candidate()]
    segmenter = Segmenter(cache=tmp_path / "cache", line_up=(candidates, LineUpSettings()))
    with open_analysis(
        station.settings, SystemClock(), source=ScriptedSource(script()), segmenter=segmenter
    ) as analysis:
        with_loop.append(analysis.keeper)
        analysis.loop.run(threading.Event())
    segmenter.close()
    summary = station.rows("SELECT name, backend FROM run_summary ORDER BY run_id")
    assert summary == [{"name": "run", "backend": FAST}, {"name": "second", "backend": STURDY}]
