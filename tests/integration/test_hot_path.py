"""No sink is called in the loop's thread, and one that never returns holds no frame and no other sink."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.records import AlertNotice
from monitor.records.alert import FieldNow
from monitor.settings.station import StationSettings
from monitor.store import TrailReader
from tests.scripted_analysis import Scripted, Step, frame, scripted

ALERTS = 12


class RecordingSink:
    """Remembers who called it, and whether the loop was waiting meanwhile."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.got: list[int] = []
        self.shown: list[str] = []

    def send(self, notice: AlertNotice) -> None:
        self.threads.add(threading.get_ident())
        self.got.append(notice.event_id)

    def show(self, now: FieldNow) -> None:
        self.threads.add(threading.get_ident())
        self.shown.append(now.state.value)

    def close(self) -> None:
        self.threads.add(threading.get_ident())


class NeverReturning(RecordingSink):
    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.released = threading.Event()

    def send(self, notice: AlertNotice) -> None:
        super().send(notice)
        self.entered.set()
        self.released.wait()


def settings(folder: Path) -> StationSettings:
    """Each new field makes an alert: no crystal is in view."""
    rule = {"name": "empty", "kind": "count", "direction": "below", "limit_count": 1}
    return StationSettings.model_validate(
        {"storage": {"database": f"sqlite:///{folder / 'trails.sqlite'}"}, "alerts": {"rules": [rule]}}
    )


def test_sinks_are_called_in_threads_of_their_own_and_none_holds_a_frame(tmp_path: Path) -> None:
    clock = SystemClock()
    hung, plain = NeverReturning(), RecordingSink()
    entered: list[bool] = []
    script: list[Step] = [frame(number, clock.now(), f"A{number}") for number in range(ALERTS)]
    script.insert(2, lambda: entered.append(hung.entered.wait(20)))
    script += [lambda: wait_for(lambda: len(plain.got) == ALERTS), None, None]
    parts: Scripted
    began = time.monotonic()
    with scripted(
        tmp_path, script, settings=settings(tmp_path), sinks={"hung": hung, "plain": plain}
    ) as parts:
        loop_thread = threading.get_ident()
        parts.loop.run(threading.Event())
        assert entered == [True], "the control: the hung sink was at its first alert all the time"
        assert parts.loop.progress.frames == ALERTS
        # It never waits for the hung one; the bound is generous, waiting would be without end.
        assert time.monotonic() - began < 30
        assert hung.got == plain.got[:1]
        with TrailReader(parts.database) as reader:
            raised = [row["event_id"] for row in reader.view("event_log", kind="alert_raised").records()]
            states = [row["state"] for row in reader.view("delivery_log", sink="hung").records()]
        assert plain.got == raised, "each once, in order"
        assert states == ["pending"] * ALERTS
        assert plain.shown, "the control: states are shown too"
    assert loop_thread not in plain.threads | hung.threads
    assert len(plain.threads) == len(hung.threads) == 1
    hung.released.set()


def wait_for(question: object) -> None:
    assert callable(question)
    end = time.monotonic() + 20
    while not question():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("spoiled", [False, True], ids=["", "another version's trails"])
def test_a_restart_and_a_new_time_zero_tell_nothing_twice(spoiled: bool, tmp_path: Path) -> None:
    clock, first, second = SystemClock(), RecordingSink(), RecordingSink()
    fields = ["A1", "A2"]
    script: list[Step] = [frame(number, clock.now(), name) for number, name in enumerate(fields)]
    with scripted(tmp_path, [*script, None], settings=settings(tmp_path), sinks={"it": first}) as parts:
        parts.loop.run(threading.Event())
        wait_for(lambda: len(first.got) == 2)
    if spoiled:
        with sqlite3.connect(tmp_path / "trails.sqlite") as connection:
            connection.execute("UPDATE field_state SET tracker_json = '{}'")
        connection.close()
    later: list[Step] = [frame(2 + number, clock.now(), name) for number, name in enumerate(fields * 3)]
    with scripted(tmp_path, [], settings=settings(tmp_path), sinks={"it": second}) as parts:
        from monitor.records.run import TimeZeroSet

        set_zero: Step = lambda: parts.keeper.record(TimeZeroSet(clock.now()))  # noqa: E731  # a step of the script
        parts.loop._source._script = iter([*later[:2], set_zero, *later[2:], None])  # type: ignore[attr-defined]
        parts.loop.run(threading.Event())
        assert parts.loop.progress.frames == len(later)
        with TrailReader(parts.database) as reader:
            assert len(reader.view("event_log", kind="time_zero").rows) == 1, "the control"
            assert len(reader.view("event_log", kind="alert_raised").rows) == 2
    assert second.got == []
