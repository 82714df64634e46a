"""What leaves the analysis after a frame's commit: alerts to their sinks, key frames to the archive."""

from __future__ import annotations

import logging
from datetime import datetime

from monitor.alerts.sinks import AlertPublisher
from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.errors import StoreError
from monitor.frame import DEFAULT_FIELD
from monitor.records import Alert, AlertKind, AlertNotice, FrameResult
from monitor.records.run import Run
from monitor.store import Table, run_query

log = logging.getLogger(__name__)

_ALERTS_AFTER = """
SELECT event_id, run_id, field, at, rule, alert_kind, kind = 'alert_raised' AS raised, message, value,
  limit_value, crystal_id
FROM event_log WHERE run_id = {run_id} AND event_id > {event_id} AND rule IS NOT NULL ORDER BY event_id"""
_LATEST = "SELECT MAX(event_id) AS event_id FROM event_log"


class Emitter:
    """Sends what was committed. A listener that fails is logged; it never stops the analysis."""

    def __init__(self, database: str, publisher: AlertPublisher) -> None:
        """`database` is read after each commit that holds alerts: what is sent is what stands in the table."""
        self._database = database
        self._publisher = publisher
        latest = self._ask(_LATEST)
        self._sent_to = int(str(latest.rows[0][0])) if latest and latest.rows and latest.rows[0][0] else 0

    def emit(self, run: Run, result: FrameResult) -> None:
        """Send the alerts of a committed frame."""
        if not result.alerts:
            return
        found = self._ask(_ALERTS_AFTER.format(run_id=run.run_id, event_id=self._sent_to))
        if found is None:
            return
        notices = [_notice(row) for row in found.records()]
        if notices:
            self._sent_to = notices[-1].event_id
            for failure in self._publisher.publish(notices):
                log.error(
                    "alert %s did not reach sink %s: %s", failure.event_id, failure.sink, failure.message
                )

    def close(self) -> None:
        """Close the sinks."""
        for failure in self._publisher.close():
            log.error("sink %s: %s", failure.sink, failure.message)

    def _ask(self, sql: str) -> Table | None:
        try:
            return run_query(self._database, sql)
        except StoreError as error:
            log.error("alerts cannot be read back and are not sent yet: %s", error)
            return None


def _notice(row: dict[str, str | int | float | bytes | None]) -> AlertNotice:
    at = datetime.fromisoformat(str(row["at"]))
    return AlertNotice(
        event_id=int(str(row["event_id"])),
        run_id=int(str(row["run_id"])),
        field=str(row["field"] or DEFAULT_FIELD),
        at=Instant(round(at.timestamp() * NANOSECONDS_PER_SECOND)),
        alert=Alert(
            rule=str(row["rule"]),
            kind=AlertKind(str(row["alert_kind"])),
            raised=bool(row["raised"]),
            message=str(row["message"]),
            value=_number(row["value"]),
            limit=_number(row["limit_value"]),
            crystal_id=None if row["crystal_id"] is None else int(str(row["crystal_id"])),
        ),
    )


def _number(value: str | int | float | bytes | None) -> float | None:
    return None if value is None else float(value)
