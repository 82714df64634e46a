"""Deliveries counted from the outbox as it stands at each reading, in a real store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.analysis.delivery_tally import DeliveryTally
from monitor.store import TrailReader, open_store


class Outbox:
    """The table, written as the station's writer does."""

    def __init__(self, path: Path) -> None:
        self.database = f"sqlite:///{path}"
        open_store(self.database).close()
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")

    def put(
        self, number: int, sink: str, state: str = "pending", attempts: int = 0, station: str = "a"
    ) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO delivery (delivery_id, station, sink, event_id, reminder, rule, state, attempts, "
            "queued_at) VALUES (?, ?, ?, ?, 0, 'first crystal', ?, ?, '2026-01-01T00:00:00Z')",
            (number, station, sink, number, state, attempts),
        )

    def remove(self, number: int) -> None:
        self._connection.execute("DELETE FROM delivery WHERE delivery_id = ?", (number,))

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path / "t.sqlite")
    yield made
    made.close()


def test_every_change_is_counted_once(outbox: Outbox) -> None:
    outbox.put(1, "log", "sent", 1)
    outbox.put(2, "hook", "pending", 4)
    with TrailReader(outbox.database) as reader:
        tally = DeliveryTally("a", ["log", "hook"], reader)
        tally.read(reader)
        assert tally.outcomes.total() == tally.failed_attempts.total() == 0, "what was before is not counted"
        assert tally.pending == {"log": 0, "hook": 1}

        outbox.put(2, "hook", "pending", 6)
        outbox.put(3, "log", "sent", 1)
        outbox.put(4, "hook", "given_up", 2)
        outbox.put(5, "hook", station="b")
        for _ in range(2):
            tally.read(reader)
            assert tally.outcomes["log", "sent"] == 1
            assert tally.outcomes["hook", "given_up"] == 1
            assert tally.failed_attempts == {"log": 0, "hook": 2 + 2}
            assert tally.pending == {"log": 0, "hook": 1}, "another station's are not ours"

        outbox.put(2, "hook", "sent", 8)
        tally.read(reader)
        assert tally.outcomes["hook", "sent"] == 1
        assert tally.failed_attempts["hook"] == 4 + 1, "the last of the two attempts was none that failed"
        assert tally.pending == {"log": 0, "hook": 0}


def test_what_was_removed_with_its_run_waits_no_more(outbox: Outbox) -> None:
    with TrailReader(outbox.database) as reader:
        outbox.put(1, "hook", attempts=3)
        outbox.put(2, "hook")
        tally = DeliveryTally("a", ["hook"], reader)
        assert tally.pending == {"hook": 2}, "the control"
        outbox.remove(1)
        tally.read(reader)
        assert tally.pending == {"hook": 1}
        assert tally.outcomes.total() == tally.failed_attempts.total() == 0
        outbox.put(2, "hook", "sent", 1)
        tally.read(reader)
        assert tally.outcomes["hook", "sent"] == 1


def test_a_long_queue_is_read_in_pieces(outbox: Outbox) -> None:
    with TrailReader(outbox.database) as reader:
        tally = DeliveryTally("a", [], reader)
        for number in range(1, 6_001):
            outbox.put(number, "hook")
        tally.read(reader)
        assert tally.pending == {"hook": 6_000}
        for number in range(1, 6_001):
            outbox.put(number, "hook", "sent", 1)
        tally.read(reader)
    assert tally.outcomes == {("hook", "sent"): 6_000}
    assert tally.pending == {}
