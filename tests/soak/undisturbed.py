"""The undisturbed soak: nothing happens to the station but slow readers, and a new run now and then."""

from __future__ import annotations

import time
from pathlib import Path

from tests.soak import figures
from tests.soak.accounts import audit
from tests.soak.census import Census
from tests.soak.figures import Figure, Limits
from tests.soak.readers import SlowReader, slow_readers
from tests.soak.report import Report
from tests.soak.runs import RunChanger
from tests.soak.station import Plan, Station

CHECKPOINT_S = 30.0
FIRST_FRAMES = 20
"""Readers come when there is something to read."""


def undisturbed(folder: Path, report: Report, *, runs: int, readers: bool, limits: Limits) -> None:
    """Let a station in `folder` analyse `report.frames` frames, and fill the report."""
    with Station(folder, Plan(report.frames, "lossless")) as station:
        census, changer = Census(station), RunChanger(station, runs)
        asking = slow_readers(station) if readers else []
        reading: list[SlowReader] = []
        census.start()
        saved_s = time.monotonic()
        while station.exit_code is None:
            if station.chronicle.given > FIRST_FRAMES and not reading:
                reading = [*asking]
                for reader in reading:
                    reader.start()
            changer.look()
            time.sleep(0.2)
            if time.monotonic() - saved_s > CHECKPOINT_S:
                saved_s = time.monotonic()
                _tell(report, station, census, asking, limits)
        for thread in (*reading, census):
            thread.stop()
    _tell(report, station, census, asking, limits)
    accounts = audit(station.database, station.chronicle.sent(), "lossless")
    report.figures |= figures.bookkeeping(accounts)
    report.problems += accounts.problems + changer.problems
    report.problems += [f"{each.told.name}: {each.told.last_error}" for each in asking if each.told.failures]
    if station.exit_code:
        report.problems.append(f"the station ended with code {station.exit_code}\n{station.log()}")
    if accounts.considered != report.frames:
        report.problems.append(f"{accounts.considered} of {report.frames} frames were considered")
    report.finished = True
    report.save()


def _tell(report: Report, station: Station, census: Census, asking: list[SlowReader], limits: Limits) -> None:
    given = station.chronicle.given
    if given < 100:
        return
    report.about["frames_so_far"] = given
    report.figures |= {
        **figures.memory(list(census.weights), given, limits),
        **figures.speed(station.chronicle.intervals_s(), list(census.weights), limits),
        **figures.reading([each.told for each in asking]),
        "wal_largest_mb": Figure(census.largest_wal / figures.MEGABYTE, limits.wal_bytes / figures.MEGABYTE),
    }
    report.save()
