"""What a person reads of an alert: one line to glance at, and a text with figures, units, field, run and time."""

from __future__ import annotations

from monitor.records import Alert, AlertNotice
from monitor.records.alert import AlertSummary
from monitor.records.vocabulary import Severity

_MOST_FIELDS = 20
_SIGNS = {Severity.INFO: "Note", Severity.WARNING: "Warning", Severity.CRITICAL: "CRITICAL"}


def title_of(notice: AlertNotice) -> str:
    """One line: how much it matters, the station, the field, the rule. Without any address."""
    alert = notice.alert
    if notice.summary is not None:
        what = f"{len(notice.summary.event_ids)} alerts: {alert.rule}"
    else:
        what = f"{alert.rule} {'raised' if alert.raised else 'cleared'}"
    sign = _SIGNS[alert.severity] if alert.raised else "Cleared"
    if notice.reminder:
        sign = f"Reminder {notice.reminder}, {sign}"
    where = " · ".join(part for part in (notice.station, notice.field) if part)
    return f"{sign}: {what} ({where})" if where else f"{sign}: {what}"


def text_of(notice: AlertNotice) -> str:
    """A few lines; the figures with their units stand in the alert's own message."""
    lines = [notice.alert.message]
    if notice.summary is not None:
        lines += _summary_lines(notice.summary)
    if notice.field and notice.summary is None:
        lines.append(f"Field: {notice.field}")
    if notice.station:
        lines.append(f"Station: {notice.station}")
    lines.append(f"Run: {notice.run_id}" + (f" ({notice.run_name})" if notice.run_name else ""))
    at = notice.at.utc.isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    elapsed = "" if notice.elapsed_s is None else f", {notice.elapsed_s:.0f} s after time zero"
    lines.append(f"Time: {at}{elapsed}")
    if notice.reminder:
        lines.append(f"It still holds, and nobody has acknowledged it: crystal-monitor ack {notice.event_id}")
    else:
        lines.append(f"Event: {notice.event_id}")
    return "\n".join(lines)


def one_line(notice: AlertNotice) -> str:
    """Run, field, rule, message: for a log."""
    reminder = f"reminder {notice.reminder}: " if notice.reminder else ""
    field = f", field {notice.field}" if notice.field else ""
    return f"run {notice.run_id}{field}, {notice.alert.rule}: {reminder}{notice.alert.message}"


def _summary_lines(summary: AlertSummary) -> list[str]:
    fields = [field for field in summary.fields if field]
    lines = []
    if fields:
        more = f" and {len(fields) - _MOST_FIELDS} more" if len(fields) > _MOST_FIELDS else ""
        lines.append(f"Fields: {', '.join(fields[:_MOST_FIELDS])}{more}")
    where = f"{summary.worst_field}: " if summary.worst_field else ""
    lines.append(f"The worst: {where}{summary.worst.message}")
    lines.append(f"Events: {summary.event_ids[0]} to {summary.event_ids[-1]}")
    return lines


def excess(alert: Alert) -> float:
    """How far beyond its limit an alert's value lies, over the limit; 0 where there is no value or it cleared."""
    if not alert.raised or alert.value is None or alert.limit is None:
        return 0.0
    return abs(alert.value - alert.limit) / max(abs(alert.limit), 1e-12)
