"""What the operator says and what silence does go by the real clock, whatever time the frames are in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.analysis import replay
from monitor.analysis.commands import Mute, SetZero, WriteNote, obey
from monitor.clock import Instant
from monitor.records import AlertKind, RunState
from monitor.records.audit import OF_THE_PROCESS
from monitor.settings.station import StationSettings
from monitor.source import ReplaySource
from monitor.store import TrailReader
from tests.scripted_analysis import Scripted, Step, frame, scripted

BOOT = "the boot"


class HandClock:
    """A real clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> Instant:
        nanoseconds = round(self.seconds * 1e9)
        return Instant(1_790_000_000_000_000_000 + nanoseconds, nanoseconds, BOOT)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def live(clock: HandClock, _index: int) -> Instant:
    return clock.now()


def compressed(clock: HandClock, index: int) -> Instant:
    """The simulated camera's: a clock of its own, two minutes from frame to frame."""
    return Instant(
        1_790_000_000_000_000_000 + index * 120_000_000_000, index * 120_000_000_000, "simulated-1"
    )


def undated(_clock: HandClock, index: int) -> Instant:
    return Instant(index * 60_000_000_000)


def long_past(_clock: HandClock, index: int) -> Instant:
    return Instant(1_700_000_000_000_000_000 + index * 60_000_000_000)


Times = Callable[[HandClock, int], Instant]
EVERY_KIND = pytest.mark.parametrize("times", [live, compressed, undated, long_past])


def settings(folder: Path) -> StationSettings:
    """An alert that fires with the first frame: no crystal is in view."""
    return StationSettings.model_validate(
        {
            "storage": {"database": f"sqlite:///{folder / 'trails.sqlite'}"},
            "alerts": {
                "sinks": [],
                "rules": [
                    {"name": "empty", "kind": "count", "direction": "below", "limit_count": 1},
                    {"name": "unseen", "kind": "blind"},
                ],
            },
        }
    )


def alerts(database: str) -> list[object]:
    with TrailReader(database) as reader:
        return [row["rule"] for row in reader.view("event_log").records() if row["kind"] == "alert_raised"]


def run(parts: Scripted) -> None:
    parts.loop.run(threading.Event())


@EVERY_KIND
def test_muting_outlives_a_restart_and_ends_by_the_real_clock(
    times: Times, tmp_path: Path, short_folder: Path
) -> None:
    clock = HandClock()

    def passing(seconds: float) -> Callable[[], object]:
        return lambda: clock.sleep(seconds)

    def say(parts: Scripted, seconds: float) -> None:
        obey(Mute(seconds=seconds), OF_THE_PROCESS, parts.keeper, parts.fields)

    def first() -> Iterator[Step]:
        yield frame(0, times(clock, 0), "other")  # opens the run

    options = {"settings": settings(tmp_path), "clock": clock, "control": short_folder}
    with scripted(tmp_path, first(), **options) as parts:  # type: ignore[arg-type]
        run(parts)
        assert alerts(parts.database) == ["empty"], "the control: without muting it fires"
        say(parts, 600)
    clock.sleep(100)
    later = [frame(1, times(clock, 1)), passing(100), frame(2, times(clock, 2))]
    with scripted(tmp_path, later, **options) as parts:  # type: ignore[arg-type]
        run(parts)
        assert parts.loop.progress.frames == 2
        assert alerts(parts.database) == ["empty"], "still muted after the restart"
    clock.sleep(401)
    with scripted(tmp_path, [frame(3, times(clock, 3))], **options) as parts:  # type: ignore[arg-type]
        run(parts)
        assert alerts(parts.database) == ["empty", "empty"], "what still holds fires when the muting is over"


def test_an_end_to_muting_outlives_a_restart_too(tmp_path: Path, short_folder: Path) -> None:
    clock = HandClock()
    options = {"settings": settings(tmp_path), "clock": clock, "control": short_folder}
    with scripted(tmp_path, [frame(0, clock.now(), "other")], **options) as parts:  # type: ignore[arg-type]
        run(parts)
        obey(Mute(seconds=600), OF_THE_PROCESS, parts.keeper, parts.fields)
        obey(Mute(seconds=0), OF_THE_PROCESS, parts.keeper, parts.fields)
    clock.sleep(1)
    with scripted(tmp_path, [frame(1, clock.now())], **options) as parts:  # type: ignore[arg-type]
        run(parts)
        assert alerts(parts.database) == ["empty", "empty"]


@EVERY_KIND
def test_what_happens_outside_frames_has_a_time_of_the_run(times: Times, tmp_path: Path) -> None:
    clock = HandClock()

    def script() -> Iterator[Step]:
        for index in range(3):
            yield frame(index, times(clock, index))
            clock.sleep(10)

    with scripted(tmp_path, script(), clock=clock) as parts:
        run(parts)
        with TrailReader(parts.database) as reader:
            last_s = max(float(str(value)) for value in reader.view("frame_log").column("elapsed_s"))
        obey(WriteNote(text="here"), OF_THE_PROCESS, parts.keeper, None)
        obey(SetZero(), OF_THE_PROCESS, parts.keeper, None)
        parts.loop.end_run("over", threading.Event())
    past_last_s = 10.0 if times is live else 0.0
    with TrailReader(parts.database) as reader:
        elapsed = {row["kind"]: float(str(row["elapsed_s"])) for row in reader.view("event_log").records()}
        frames = [float(str(value)) for value in reader.view("frame_log").column("elapsed_s")]
    assert elapsed["time_zero"] == pytest.approx(0.0)
    assert elapsed["note"] == pytest.approx(0.0), "said at the same moment"
    assert elapsed["run_ended"] == pytest.approx(0.0)
    assert elapsed["run_started"] == pytest.approx(-last_s - past_last_s)
    assert max(frames) == pytest.approx(-past_last_s)


def test_a_field_that_is_left_out_becomes_blind_while_others_are_seen(tmp_path: Path) -> None:
    clock = HandClock()

    def script() -> Iterator[Step]:
        index = 0
        for turn in range(12):
            for well in ("A1", "A2", "A3"):
                clock.sleep(60)
                if well == "A2" and turn >= 5:
                    continue
                yield frame(index, clock.now(), well)
                index += 1

    with scripted(tmp_path, script(), settings=settings(tmp_path), clock=clock) as parts:
        run(parts)
    with TrailReader(parts.database) as reader:
        run_id = reader.find_run("last")
        states = {row["field"]: row["state"] for row in reader.field_explanations(run_id).records()}
        told = [row for row in reader.view("event_log").records() if row["rule"] == "unseen"]
    assert states == {"A1": RunState.WAITING, "A2": RunState.BLIND, "A3": RunState.WAITING}
    assert [(row["field"], row["alert_kind"], row["kind"]) for row in told] == [
        ("A2", AlertKind.BLIND, "alert_raised")
    ], "the others were away for three minutes every time, and nobody called them blind"
    last_seen_s = 4 * 180 + 60
    assert last_seen_s + 3 * 180 <= float(str(told[0]["elapsed_s"])) <= last_seen_s + 4 * 180


def test_after_a_restart_a_field_that_stays_away_is_missed(tmp_path: Path, short_folder: Path) -> None:
    clock = HandClock()

    def both() -> Iterator[Step]:
        for index in range(6):
            clock.sleep(5)
            yield frame(index, clock.now(), "ab"[index % 2])

    def one() -> Iterator[Step]:
        for index in range(6, 60):
            clock.sleep(5)
            yield frame(index, clock.now(), "a")

    options = {"settings": settings(tmp_path), "clock": clock, "control": short_folder}
    with scripted(tmp_path, both(), **options) as parts:  # type: ignore[arg-type]
        run(parts)
    with scripted(tmp_path, one(), **options) as parts:  # type: ignore[arg-type]
        run(parts)
    with TrailReader(parts.database) as reader:
        explained = reader.field_explanations(reader.find_run("last")).records()
        states = {row["field"]: row["state"] for row in explained}
    assert states == {"a": RunState.WAITING, "b": RunState.BLIND}


class HastyClock(HandClock):
    """Minutes pass between two looks at it: the machine slept, or the disk was full for a while."""

    def now(self) -> Instant:
        self.sleep(200)
        return super().now()


def test_however_long_a_replay_takes_it_waits_for_no_frame(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(90, 160, (3, 128, 128)).astype(np.uint8)
    clock = HastyClock()

    with scripted(tmp_path, [frame(0, clock.now())], settings=settings(tmp_path), clock=clock) as parts:
        run(parts)
    assert "unseen" in alerts(parts.database), "the control: live, that is a field nobody sees"

    folder, own = tmp_path / "frames", settings(tmp_path / "frames")
    folder.mkdir()
    for index, picture_HW in enumerate(pictures):
        cv2.imwrite(str(folder / f"{index}.png"), picture_HW)
    replay(own, ReplaySource(folder, clock, interval_s=1.0), clock, threading.Event())
    assert alerts(own.storage.database) == ["empty"]
