"""Deeds that come with every frame, or at a stranger's will, make few rows of the audit trail, and none is lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from monitor.analysis.audit_gathering import GATHERED_S, DeletionRecorder, RefusalRecorder
from monitor.analysis.loop import Progress
from monitor.clock import Instant
from monitor.errors import StoreError
from monitor.records.audit import AuditEntry, AuditKind
from monitor.source import SourceStatistics
from monitor.wire import GrabberCounts
from tests import trail_results as made


@dataclass
class SetClock:
    now_s: float = 0.0

    def now(self) -> Instant:
        return made.at(self.now_s)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Trail:
    rows: list[AuditEntry] = field(default_factory=list)
    full: bool = False

    def tell(self, entry: AuditEntry) -> None:
        if self.full:
            raise StoreError("the disk is full")
        self.rows.append(entry)

    def counts(self) -> list[object]:
        return [row.details["count"] for row in self.rows]


def dropping(*names: str) -> Progress:
    return Progress(last=replace(made.result(0), archive_dropped=names))


def test_a_year_of_deletions_with_every_frame_makes_a_row_an_hour() -> None:
    clock, trail = SetClock(), Trail()
    frames, every_s = 2_000, 60.0
    with DeletionRecorder(trail.tell, "north", clock) as recorder:
        for index in range(frames):
            clock.now_s = index * every_s
            recorder(dropping(f"run-{1 + index // 1500}/main/{index}.png"))
    hours = frames * every_s / GATHERED_S
    assert hours < len(trail.rows) <= hours + 2, "the first at once, the rest at the end"
    assert trail.counts()[:3] == [1, 60, 60]
    assert sum(int(str(count)) for count in trail.counts()) == frames, "none is lost"
    assert (trail.rows[0].kind, trail.rows[0].station) == (AuditKind.KEY_FRAMES_DELETED, "north")
    assert trail.rows[1].details == {"count": 60, "by_folder": {"run-1/main": 60}}


def test_a_frame_counts_once_whatever_is_committed_after_it() -> None:
    clock, trail = SetClock(), Trail()
    progress = dropping("run-1/main/a.png", "run-1/main/b.png")
    with DeletionRecorder(trail.tell, "north", clock) as recorder:
        for _ in range(5):
            recorder(replace(progress))
            clock.now_s += GATHERED_S
    assert trail.counts() == [2]


def test_what_the_store_does_not_take_is_told_later() -> None:
    clock, trail = SetClock(), Trail(full=True)
    with DeletionRecorder(trail.tell, "north", clock) as recorder:
        recorder(dropping("run-1/main/a.png"))
        trail.full = False
        recorder(dropping("run-1/main/b.png"))
    assert trail.counts() == [2]


def test_a_stranger_makes_a_row_an_hour_at_most() -> None:
    clock, trail, statistics = SetClock(), Trail(), SourceStatistics()
    with RefusalRecorder(statistics, trail.tell, "north", clock) as recorder:
        recorder(Progress())
        assert trail.rows == [], "the control: nobody was refused"
        for index in range(600):
            clock.now_s = index * 60.0
            statistics.grabber = GrabberCounts(refused=index + 1)
            recorder(Progress())
        assert trail.counts() == [1, *[60] * 9]
        statistics.grabber = GrabberCounts(refused=4)
        recorder(Progress())
    assert trail.counts()[-1] == 59 + 4, "another session of the grabber counts from nothing"
    assert {row.kind for row in trail.rows} == {AuditKind.LISTENER_REFUSED}
