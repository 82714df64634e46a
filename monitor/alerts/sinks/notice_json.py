"""An alert notice as plain values: what goes over wires."""

from __future__ import annotations

from dataclasses import asdict

from monitor.alerts.message import text_of, title_of
from monitor.records import AlertNotice
from monitor.records.alert import FieldNow

SCHEMA_VERSION = 1


def notice_as_plain(notice: AlertNotice) -> dict[str, object]:
    """Keys: version, event_id, run_id, field, at (ISO 8601 UTC), those of `Alert`, then key, station, run_name,
    elapsed_s, reminder, title, text and summary (null, or event_ids, raised, fields, worst, worst_field, until)."""
    summary = None
    if notice.summary is not None:
        summary = {
            **asdict(notice.summary),
            "event_ids": list(notice.summary.event_ids),
            "fields": list(notice.summary.fields),
            "until": notice.summary.until.utc.isoformat(),
        }
    return {
        "version": SCHEMA_VERSION,
        "event_id": notice.event_id,
        "run_id": notice.run_id,
        "field": notice.field,
        "at": notice.at.utc.isoformat(),
        **asdict(notice.alert),
        "key": notice.key,
        "station": notice.station,
        "run_name": notice.run_name,
        "elapsed_s": notice.elapsed_s,
        "reminder": notice.reminder,
        "title": title_of(notice),
        "text": text_of(notice),
        "summary": summary,
    }


def field_as_plain(now: FieldNow) -> dict[str, object]:
    """Keys: version, those of `FieldNow`, with `at` as ISO 8601 in UTC."""
    plain = {**asdict(now), "at": now.at.utc.isoformat(), "raised": list(now.raised)}
    return {"version": SCHEMA_VERSION, **plain}
