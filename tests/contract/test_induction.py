"""No induction time where crystals were there at time zero, asked of SQLite and of PostgreSQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.summary import print_summary
from monitor.records import BirthKind, EndReason, FrameResult, TrailEnd
from monitor.records.run import Run, TimeZeroSet
from monitor.store import SqlTrailStore, TrailReader, open_store
from tests import trail_results as made
from tests.postgresql_server import fresh_database

PRESENT = BirthKind.PRESENT_AT_START
NONE_KNOWN = (None, None, None)
_numbers = count()


class Written:
    """A run in a store, and what it says of induction."""

    def __init__(self, database: str, store: SqlTrailStore, reader: TrailReader) -> None:
        self.database = database
        self._store = store
        self._reader = reader
        self.run: Run = store.start_run(made.run_start())

    def append(self, *frames: FrameResult, field: str = "main") -> None:
        for frame in frames:
            assert self._store.append(self.run, dataclasses.replace(frame, field=field))

    def set_zero(self, elapsed_s: float) -> None:
        self.run = self._store.record(self.run, TimeZeroSet(made.at(elapsed_s)))

    def induction(self) -> tuple[Any, Any, Any]:
        row = next(self._reader.view("run_summary", self.run.run_id).records())
        return row["induction_s"], row["induction_low_s"], row["induction_high_s"]

    def events(self, kind: str) -> list[tuple[Any, Any]]:
        found = self._reader.view("event_log", self.run.run_id, kind=kind).records()
        return [(row["field"], row["crystal_id"]) for row in found]

    def rows(self, kind: str) -> list[tuple[Any, Any, Any]]:
        found = self._reader.view("event_log", self.run.run_id, kind=kind).records()
        return [(row["elapsed_s"], row["value"], row["message"]) for row in found]


@pytest.fixture(params=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Written]:
    if request.param == "sqlite":
        database = f"sqlite:///{tmp_path / 'trails.sqlite'}"
    else:
        database = fresh_database(request.getfixturevalue("server"), f"induction_{next(_numbers)}")
    store = open_store(database)
    with TrailReader(database) as reader:
        yield Written(database, store, reader)
    store.close()


def first_frame(*present: int) -> FrameResult:
    """Frame 0, with these crystals in it."""
    points = [made.point(crystal_id, 0, 90.0) for crystal_id in present]
    return made.result(0, points, born=[made.birth(crystal_id, 0.0, PRESENT) for crystal_id in present])


def frame(
    index: int, *crystals: int, born: int | None = None, kind: BirthKind = BirthKind.BORN, **changes: Any
) -> FrameResult:
    """Frame `index` with these crystals, of which one may be new in it."""
    births = [] if born is None else [made.birth(born, float(index), kind, index - 1.0)]
    points = [made.point(crystal_id, index, 90.0 + index) for crystal_id in crystals]
    return made.result(index, points, born=births, **changes)


def test_a_field_that_was_empty_tells_its_first_birth(written: Written) -> None:
    written.append(first_frame(), frame(1), frame(2, 1, born=1), frame(3, 1, 2, born=2))
    assert written.induction() == (2.0, 1.0, 2.0)
    assert written.events("nucleation") == [("main", 1)]


def test_crystals_that_were_there_from_the_start_leave_no_induction(written: Written) -> None:
    written.append(first_frame(1), frame(1, 1), frame(2, 1, 2, born=2))
    assert written.events("birth") == [("main", 2)], "the control: a crystal was born"
    assert written.induction() == NONE_KNOWN
    assert written.events("nucleation") == []


def test_a_start_that_was_seen_late_is_a_start_all_the_same(written: Written) -> None:
    late = made.result(5, [made.point(1, 5, 90.0)], born=[made.birth(1, 5.0, PRESENT)])
    written.append(late, frame(6, 1, 2, born=2))
    assert written.induction() == NONE_KNOWN


def test_what_came_over_the_border_later_takes_no_induction_away(written: Written) -> None:
    written.append(first_frame(), frame(1, 1, born=1, kind=BirthKind.ENTERED), frame(2, 1, 2, born=2))
    assert written.induction() == (2.0, 1.0, 2.0)


def test_of_several_fields_the_first_that_was_empty_counts(written: Written) -> None:
    written.append(first_frame(1), frame(2, 1, 2, born=2), field="seeded")
    assert written.induction() == NONE_KNOWN, "the control: nothing was born in an empty field yet"
    written.append(first_frame(), frame(4, 1, born=1), field="empty")
    assert written.induction() == (4.0, 3.0, 4.0)
    written.append(first_frame(), frame(3, 1, born=1), field="faster")
    assert written.induction() == (3.0, 2.0, 3.0)
    assert written.events("nucleation") == [("empty", 1), ("faster", 1)]


@pytest.mark.parametrize("kind", [BirthKind.BORN, BirthKind.ENTERED])
def test_crystals_at_a_zero_that_is_set_later_leave_no_induction(written: Written, kind: BirthKind) -> None:
    written.append(first_frame(), frame(1, 1, born=1, kind=kind), frame(3, 1, 2, born=2))
    assert written.induction()[0] == (1.0 if kind is BirthKind.BORN else 3.0), "the control: counted from 0"
    written.set_zero(2.0)
    assert written.induction() == NONE_KNOWN


def test_a_zero_before_the_first_birth_counts_from_there(written: Written) -> None:
    written.append(first_frame(), frame(1), frame(3, 1, born=1))
    written.set_zero(1.5)
    assert written.induction() == (1.5, 0.5, 1.5)


def test_a_field_whose_crystals_were_gone_at_the_new_zero_was_empty(written: Written) -> None:
    gone = TrailEnd(1, EndReason.DISSOLVED, 1.0)
    written.append(first_frame(1), frame(1, 1), frame(2), frame(4, ended=[gone]), frame(6, 2, born=2))
    assert written.induction() == NONE_KNOWN, "the control: it was there at the start"
    written.set_zero(3.0)
    assert written.induction() == (3.0, 2.0, 3.0)
    written.set_zero(1.5)
    assert written.induction() == NONE_KNOWN, "it was in the last good frame before"


def test_bodies_that_were_merging_at_the_new_zero_were_there(written: Written) -> None:
    merged = [TrailEnd(1, EndReason.MERGED, 1.0, 3), TrailEnd(2, EndReason.MERGED, 1.0, 3)]
    written.append(first_frame(1, 2), frame(1, 1, 2), frame(2), frame(3))
    written.append(frame(4, 3, born=3, kind=BirthKind.MERGED, ended=merged), frame(6, 3, 4, born=4))
    written.set_zero(3.0)
    assert written.induction() == NONE_KNOWN


def test_the_summary_says_why_there_is_none(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    def induction_line() -> str:
        print_summary(written.database, written.run.run_id, as_json=False)
        lines = capsys.readouterr().out.splitlines()
        return next(line.split(maxsplit=1)[1] for line in lines if line.startswith("  induction "))

    written.append(first_frame())
    assert induction_line() == "–"
    written.append(frame(2, 1, born=1), frame(5, 1, 2, born=2))
    assert induction_line() == "2.0 s (between 1.0 s and 2.0 s)"
    written.set_zero(4.0)
    assert induction_line() == "no induction time: crystals were present at the start"


def test_times_of_events_count_from_a_zero_that_is_set_later(written: Written) -> None:
    """And no text names a time of the clock before."""
    written.append(first_frame(), frame(1), frame(2), frame(3, 1, born=1))
    before = written.rows("birth")
    assert before == [(3.0, 3.0, "crystal 1 was born, first seen 0 s before")], "the control"
    written.set_zero(2.0)
    assert written.rows("birth") == [(1.0, 1.0, before[0][2])]
    assert written.rows("nucleation") == [(1.0, 1.0, "first nucleation: crystal 1")]
