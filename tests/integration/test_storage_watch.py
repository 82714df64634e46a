"""What the storage's alerts do over restarts, in a new run and while alerts are muted; on a real small disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.analysis.storage_watch import DISK_RULE, PAUSE_RULE, StorageWatch
from monitor.clock import Instant
from monitor.records.run import Run, RunEnded, StorageObserved
from monitor.records.vocabulary import Severity
from monitor.settings.storage import StorageSettings
from monitor.store import SqlTrailStore, open_store
from tests import trail_results as made
from tests.small_disk import mounted_disk

DISK_MB = 10


class HandClock:
    """A clock that goes on by two seconds whenever it is read: every look looks."""

    def __init__(self) -> None:
        self._seconds = 1_000

    def now(self) -> Instant:
        self._seconds += 2
        nanoseconds = self._seconds * 10**9
        return Instant(1_790_000_000_000_000_000 + nanoseconds, nanoseconds, "boot")

    def sleep(self, seconds: float) -> None: ...


@pytest.fixture
def disk() -> Iterator[Path]:
    with mounted_disk(megabytes=DISK_MB) as folder:
        yield folder


@pytest.fixture
def store(disk: Path) -> Iterator[tuple[SqlTrailStore, Run]]:
    opened = open_store(str(disk / "trails.sqlite"))
    yield opened, opened.start_run(made.run_start())
    opened.close()


def watch(disk: Path) -> StorageWatch:
    return StorageWatch(StorageSettings(database=f"sqlite:///{disk}/trails.sqlite"), HandClock(), None)


def fill(disk: Path, left_share: float) -> None:
    """Leave so much of the disk free."""
    used = sum(file.stat().st_size for file in disk.glob("trails*"))
    (disk / "ballast").write_bytes(bytes(round(DISK_MB * 2**20 * (1 - left_share)) - used))


def told(seen: StorageObserved | None) -> list[tuple[str, bool]]:
    return [(alert.rule, alert.raised) for alert in seen.alerts] if seen is not None else []


def test_a_restart_tells_nothing_twice_and_a_new_run_knows(
    disk: Path, store: tuple[SqlTrailStore, Run]
) -> None:
    writer, run = store
    first = watch(disk)
    assert first.look(run, muted=False) is None, "the control: there is room"
    fill(disk, 0.08)
    seen = first.look(run, muted=False)
    assert told(seen) == [(DISK_RULE, True)]
    assert seen is not None
    writer.record(run, seen)
    assert first.look(run, muted=False) is None
    restarted = watch(disk)
    assert restarted.look(run, muted=False) is None, "told before the restart"
    writer.record(run, RunEnded(made.at(10.0)))
    next_run = writer.start_run(made.run_start("next"))
    assert told(restarted.look(next_run, muted=False)) == [(DISK_RULE, True)]
    (disk / "ballast").unlink()
    assert told(restarted.look(next_run, muted=False)) == [(DISK_RULE, False)]


def test_muted_alerts_fire_when_the_muting_ends_and_the_pause_does_not_wait(
    disk: Path, store: tuple[SqlTrailStore, Run]
) -> None:
    _, run = store
    quiet = watch(disk)
    fill(disk, 0.01)
    assert quiet.look(run, muted=True) is None
    assert "goes on by itself" in quiet.paused
    seen = quiet.look(run, muted=False)
    assert told(seen) == [(DISK_RULE, True), (PAUSE_RULE, True)]
    assert seen is not None
    assert [alert.severity for alert in seen.alerts] == [Severity.WARNING, Severity.CRITICAL]
    fill(disk, 0.022)
    quiet.look(run, muted=False)
    assert quiet.paused, "a little more than the limit is not enough: nothing flickers"
    fill(disk, 0.03)
    assert (PAUSE_RULE, False) in told(quiet.look(run, muted=False))
    assert quiet.paused == ""


def test_before_the_first_frame_it_pauses_and_has_nowhere_to_write(disk: Path) -> None:
    early = watch(disk)
    fill(disk, 0.01)
    assert early.look(None, muted=False) is None
    assert early.paused
