"""An alert notice as plain values: what goes over wires."""

from __future__ import annotations

from dataclasses import asdict

from monitor.records import AlertNotice

SCHEMA_VERSION = 1


def notice_as_plain(notice: AlertNotice) -> dict[str, object]:
    """Keys: version, event_id, run_id, field, at (ISO 8601 UTC), and those of `Alert`."""
    return {
        "version": SCHEMA_VERSION,
        "event_id": notice.event_id,
        "run_id": notice.run_id,
        "field": notice.field,
        "at": notice.at.utc.isoformat(),
        **asdict(notice.alert),
    }
