"""What stands in the store, read every few seconds for the metrics, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from monitor.analysis.delivery_tally import DeliveryTally
from monitor.errors import CrystalMonitorError
from monitor.metrics import StoreFigures
from monitor.records import EventKind
from monitor.store import TrailReader, measure_store, run_query

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0
_BATCH = 5_000
_CHANGES = {EventKind.ALERT_RAISED.value: "raised", EventKind.ALERT_CLEARED.value: "cleared"}


class StoreWatch:
    """Reads what the metrics show of the store, so that no scrape waits for a disk or a server. A context manager."""

    def __init__(self, database: str, every_s: float, station: str, sinks: Sequence[str] = ()) -> None:
        """Count events from now on; `sinks`: names of those that the station's alerts go to.

        Raises QueryError, StoreUnusableError where the store cannot be read.
        """
        self._database = database
        self._every_s = every_s
        newest = run_query(database, "SELECT COALESCE(MAX(event_id), 0) FROM event_log").rows
        self._newest_event = int(str(newest[0][0]))
        self._runs: tuple[int, ...] = ()
        self._events: Counter[str] = Counter()
        self._alerts: Counter[tuple[str, str]] = Counter()
        with TrailReader(database) as reader:
            self._deliveries = DeliveryTally(station, sinks, reader)
        self._figures = StoreFigures()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics-store", daemon=True)

    def __enter__(self) -> Self:
        """Begin to read."""
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """End the thread; a reading that hangs is left behind."""
        self._stop.set()
        self._thread.join(1.0)

    def follow(self, run_id: int) -> None:
        """Count this run's events from now on: others may write to the same database."""
        if run_id not in self._runs:
            self._runs = (*self._runs[-1:], run_id)  # the one before has an end to be counted

    def figures(self) -> StoreFigures:
        """Those of the last reading; the sizes of files as they are now."""
        room = measure_store(self._database)
        return replace(
            self._figures,
            database_bytes=room.database_bytes,
            wal_bytes=room.wal_bytes,
            disk_free_bytes=room.free_bytes,
            disk_size_bytes=room.disk_bytes,
        )

    def _run(self) -> None:
        while True:
            try:
                self._figures = self._read()
            except CrystalMonitorError as error:
                if self._figures.readable:
                    log.warning("the metrics cannot read the store: %s", error)
                self._figures = replace(self._figures, readable=False)
            if self._stop.wait(self._every_s):
                return

    def _read(self) -> StoreFigures:
        runs = self._runs
        with TrailReader(self._database) as reader:
            while True:
                events = reader.events_after(self._newest_event, runs, _BATCH)
                for event_id, kind, alert_kind in events:
                    self._newest_event = event_id
                    self._events[kind] += 1
                    if kind in _CHANGES:
                        self._alerts[alert_kind or "", _CHANGES[kind]] += 1
                if len(events) < _BATCH:
                    break
            self._deliveries.read(reader)
            unacknowledged = reader.unacknowledged_alerts(runs[-1]) if runs else None
        return StoreFigures(
            events=dict(self._events),
            alerts=dict(self._alerts),
            unacknowledged=unacknowledged,
            deliveries=dict(self._deliveries.outcomes),
            failed_attempts=dict(self._deliveries.failed_attempts),
            pending=self._deliveries.pending,
        )
