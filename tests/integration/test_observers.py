"""Observers of the analysis are told of every commit, of frames and of silences, once what they are told is stored."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from monitor.analysis import Observer, Progress
from monitor.records import RunState
from monitor.store import TrailReader
from tests.integration.test_real_time import HandClock
from tests.scripted_analysis import Step, frame, scripted


def test_observers_are_called_in_order_after_the_commit_of_each_frame(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'trails.sqlite'}"
    seen: list[tuple[str, int, int]] = []

    def observer(name: str) -> Observer:
        def observe(progress: Progress) -> None:
            assert progress.last is not None
            with TrailReader(database) as reader:
                stored = len(list(reader.view("frame_log").records()))
            seen.append((name, progress.frames, stored))

        return observe

    clock = HandClock()

    def script() -> list[Step]:
        return [frame(0, clock.now()), lambda: clock.sleep(1), frame(1, clock.now().after(1))]

    with scripted(tmp_path, script(), clock=clock, observers=[observer("a"), observer("b")]) as parts:
        assert not seen, "nothing was committed yet"
        parts.loop.run(threading.Event())
    assert seen == [("a", 1, 1), ("b", 1, 1), ("a", 2, 2), ("b", 2, 2)]


def test_without_frames_a_silence_is_committed_again_and_again_and_changes_nothing(tmp_path: Path) -> None:
    """The proof that the analysis and its store work, long before the field counts as blind."""
    clock = HandClock()
    told: list[Progress] = []
    waits: list[str] = []
    steps: list[Step] = [None, frame(0, clock.now())]
    steps += [lambda: clock.sleep(7), None] * 6
    with scripted(tmp_path, steps, clock=clock, observers=[told.append], waiting=waits.append) as parts:
        assert parts.loop.run(threading.Event()).frames == 1
        states = [progress.silence.completion.state for progress in told if progress.silence]
        with TrailReader(parts.database) as reader:
            kinds = [row["kind"] for row in reader.view("event_log").records()]
    assert waits == ["waiting for the first frame"], "only where nothing could be committed"
    assert states == [RunState.WAITING, RunState.WAITING], "after 21 and 42 s of silence"
    assert "state" not in kinds
    assert not any(progress.silence.alerts for progress in told if progress.silence)


def test_a_store_that_refuses_is_waited_for_aloud(tmp_path: Path) -> None:
    clock = HandClock()
    waits: list[str] = []
    stop = threading.Event()

    def waiting(reason: str) -> None:
        waits.append(reason)
        stop.set()

    with scripted(tmp_path, [frame(0, clock.now())], clock=clock, waiting=waiting) as parts:
        with sqlite3.connect(tmp_path / "trails.sqlite") as breaking:
            breaking.execute(
                "CREATE TRIGGER full BEFORE INSERT ON run BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        breaking.close()
        parts.loop.run(stop)
    assert len(waits) == 1
    assert "no room" in waits[0]


def test_a_silence_that_is_committed_is_told_with_its_run_and_instant(tmp_path: Path) -> None:
    clock = HandClock()
    told: list[Progress] = []
    steps: list[Step] = [
        frame(0, clock.now()),
        lambda: clock.sleep(200),
        None,
        frame(1, clock.now().after(201)),
    ]
    with scripted(tmp_path, steps, clock=clock, observers=[told.append]) as parts:
        parts.loop.run(threading.Event())
        run = parts.keeper.run
    assert run is not None
    first, silent, back = told
    assert first.frames == 1
    assert first.silence is None
    assert silent.frames == 1
    assert silent.last is first.last
    assert silent.silence is not None
    assert silent.silence.completion.state is RunState.BLIND
    assert first.committed is not None
    assert silent.committed is not None
    assert silent.committed.seconds_since(first.committed) == 200
    assert back.frames == 2
    assert back.silence is None, "a frame ends the silence"
    assert {progress.run.run_id for progress in told if progress.run} == {run.run_id}


def test_a_commit_tells_how_long_the_stages_of_its_frame_took(tmp_path: Path) -> None:
    seen: list[Progress] = []
    now = HandClock().now()
    with scripted(tmp_path, [frame(0, now), frame(1, now.after(1.0))], observers=[seen.append]) as analysis:
        analysis.loop.run(threading.Event())
    first, second = (dict(progress.stages_s) for progress in seen)
    parts = {"quality", "segmentation", "measuring", "tracking", "kinetics", "completion", "alerts", "state"}
    assert parts | {"archive", "append", "frame"} == set(first)
    assert set(second) == set(first) | {"emit"}, "what was sent after the first commit"
    assert all(seconds >= 0 for seconds in second.values())
    assert first["frame"] >= sum(seconds for name, seconds in first.items() if name != "frame")
