"""Looks after the disks and the write-ahead log: alerts early, thins the archive, says when to pause."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.archive import FrameArchive
from monitor.clock import Clock, Instant
from monitor.errors import QueryError, StoreError
from monitor.records import Alert, AlertKind
from monitor.records.run import Run, StorageObserved
from monitor.records.storage import StorageCondition, bytes_text
from monitor.records.vocabulary import Severity
from monitor.settings.storage import DiskLimits, StorageSettings
from monitor.store import measure_folder, measure_store, run_query, wal_readers

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""How often the disks are asked, seconds."""
_BACK = 1.2
"""A limit is left again at so many times its value."""

DISK_RULE = "disk almost full"
ARCHIVE_RULE = "archive's disk almost full"
PAUSE_RULE = "storage paused"
WAL_RULE = "write-ahead log"
_RULES = (DISK_RULE, ARCHIVE_RULE, PAUSE_RULE, WAL_RULE)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is to be said of one rule now."""

    rule: str
    kind: AlertKind
    message: str
    value: float
    limit: float
    fires: bool
    clears: bool


class StorageWatch:
    """Looked at by the loop between frames; costs microseconds. Station-wide: its alerts belong to no field.

    They need no rule in the settings, so that nobody loses them by setting rules of their own; their limits stand in
    `storage`. What is raised is known from the run's own events, so that a restart tells nothing twice.
    """

    def __init__(self, settings: StorageSettings, clock: Clock, archive: FrameArchive | None) -> None:
        """Nothing is measured yet."""
        self._settings = settings
        self._clock = clock
        self._archive = archive
        self._looked: Instant | None = None
        self._run_id: int | None = None
        self._raised: set[str] = set()
        self._thinning = False
        self.condition = StorageCondition()
        """Of the database's folder, as last measured."""
        self.paused = ""
        """Why nothing may be stored now, for people; empty while there is room."""

    def look(self, run: Run | None, *, muted: bool) -> StorageObserved | None:
        """Measure, if it is time to; what is to be stored of it in the open run, None where nothing has changed."""
        now = self._clock.now()
        if self._looked is not None and now.seconds_since(self._looked) < LOOK_EVERY_S:
            return None
        self._looked = now
        self.condition = measure_store(self._settings.database)
        findings = [*self._of_disk(self.condition, DISK_RULE), *self._of_wal()]
        if self._archive is not None:
            findings += self._of_archive(self._archive)
        if run is None:
            return None
        alerts = tuple(self._changes(run, findings, muted=muted))
        return StorageObserved(now, alerts) if alerts else None

    def _of_disk(self, disk: StorageCondition, rule: str) -> Iterator[_Finding]:
        if disk.free_bytes is None or disk.disk_bytes is None:
            return
        limits, free = self._settings.disk.limits(disk.disk_bytes), disk.free_bytes
        said = f"{bytes_text(free)} of {bytes_text(disk.disk_bytes)} are free on the disk of {disk.folder}"
        todo = "make room, or name a larger disk"
        yield _Finding(
            rule,
            AlertKind.DISK,
            f"{said} (alert below {bytes_text(limits.alert_bytes)}): {todo}; {self._then(limits, rule)}",
            float(free),
            limits.alert_bytes,
            fires=free < limits.alert_bytes,
            clears=free >= _BACK * limits.alert_bytes,
        )
        if rule == DISK_RULE:
            full = free < (_BACK if self.paused else 1.0) * limits.pause_bytes
            pause_text = bytes_text(limits.pause_bytes)
            why = f"{said}, less than {pause_text}: {todo}; the analysis goes on by itself at {_BACK} times that"
            self.paused = why if full else ""
            yield _Finding(
                PAUSE_RULE,
                AlertKind.DISK,
                f"nothing is stored: {why}" if full else said,
                float(free),
                limits.pause_bytes,
                fires=full,
                clears=not full,
            )

    def _then(self, limits: DiskLimits, rule: str) -> str:
        thinned = f"below {bytes_text(limits.thin_bytes)} routine key frames are dropped, the oldest first"
        if rule == ARCHIVE_RULE:
            return thinned
        return f"{thinned}; below {bytes_text(limits.pause_bytes)} the analysis pauses"

    def _of_archive(self, archive: FrameArchive) -> Iterator[_Finding]:
        disk = measure_folder(archive.folder)
        if disk.free_bytes is None or disk.disk_bytes is None:
            return
        limits = self._settings.disk.limits(disk.disk_bytes)
        wanted_bytes = round(_BACK * limits.thin_bytes) - disk.free_bytes
        self._thinning = disk.free_bytes < limits.thin_bytes or (self._thinning and wanted_bytes > 0)
        archive.keeps_routine = not self._thinning
        if self._thinning and (dropped := archive.thin(wanted_bytes)):
            log.warning(
                "%s are free on the disk of %s: %d routine key frames were dropped from the archive, the oldest first",
                bytes_text(disk.free_bytes),
                disk.folder,
                dropped,
            )
        if not _same_disk(archive.folder, self.condition.folder):
            yield from self._of_disk(disk, ARCHIVE_RULE)

    def _of_wal(self) -> Iterator[_Finding]:
        length, limit = self.condition.wal_bytes, self._settings.wal_alert_bytes
        if length is None:
            return
        fires = length > limit
        said = (
            f"the database's write-ahead log is {bytes_text(length)} long (alert above {bytes_text(limit)})"
        )
        if fires and WAL_RULE not in self._raised:
            said += f": {self._who_reads()}"
        yield _Finding(
            WAL_RULE,
            AlertKind.WAL,
            said,
            float(length),
            float(limit),
            fires=fires,
            clears=length < limit / 2,
        )

    def _who_reads(self) -> str:
        readers = wal_readers(self._settings.database)
        if not readers:
            return (
                "some program reads the database without a break; end its question or close it (`fuser -v "
                "DATABASE-shm` lists programs), nothing is lost meanwhile"
            )
        names = ", ".join(f"{reader.name or 'process'} ({reader.process_id})" for reader in readers)
        return (
            f"{names} reads the database without a break; end its question, or the program (kill "
            f"{readers[0].process_id}); nothing is lost meanwhile, and the log becomes short by itself afterwards"
        )

    def _changes(self, run: Run, findings: list[_Finding], *, muted: bool) -> Iterator[Alert]:
        if run.run_id != self._run_id:
            self._run_id = run.run_id
            self._raised = _raised_in(self._settings.database, run.run_id)
        for found in findings:
            raised = found.rule in self._raised
            if not (found.clears if raised else found.fires and not muted):
                continue
            self._raised ^= {found.rule}
            message = f"cleared: {found.message}" if raised else found.message
            (log.info if raised else log.warning)("%s: %s", found.rule, message)
            severity = Severity.CRITICAL if found.rule == PAUSE_RULE else Severity.WARNING
            yield Alert(
                found.rule, found.kind, not raised, message, found.value, found.limit, severity=severity
            )


def _raised_in(database: str, run_id: int) -> set[str]:
    rules = ", ".join("'" + rule.replace("'", "''") + "'" for rule in _RULES)
    sql = (
        f"SELECT rule, kind FROM event WHERE run_id = {run_id} AND rule IN ({rules}) "  # noqa: S608  # names of ours
        "AND kind IN ('alert_raised', 'alert_cleared') ORDER BY event_id"
    )
    try:
        rows = run_query(database, sql).rows
    except (StoreError, QueryError) as error:
        log.warning("which alerts of the storage are raised is not known: %s", error)
        return set()
    last = {str(rule): kind for rule, kind in rows}
    return {rule for rule, kind in last.items() if kind == "alert_raised"}


def _same_disk(first: Path, second: str) -> bool:
    try:
        return bool(second) and first.stat().st_dev == Path(second).stat().st_dev
    except OSError:
        return False
