"""Many alerts of one rule as one notice: how many, which, and the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.alerts.message import excess
from monitor.records import Alert, AlertNotice
from monitor.records.alert import AlertSummary
from monitor.records.vocabulary import Severity

_ORDER = list(Severity)


def as_one(notices: Sequence[AlertNotice]) -> AlertNotice:
    """The notice itself where there is one; else a summary in its place, under the first one's key."""
    first, last = notices[0], notices[-1]
    if len(notices) == 1:
        return first
    worst = max(notices, key=lambda notice: (notice.alert.raised, excess(notice.alert)))
    raised = sum(notice.alert.raised for notice in notices)
    span_s = max(last.at.seconds_since(first.at), 0.0)
    counts = ", ".join(
        f"{count} {word}" for count, word in ((raised, "raised"), (len(notices) - raised, "cleared")) if count
    )
    fields = tuple(dict.fromkeys(notice.field for notice in notices))
    alert = Alert(
        rule=first.alert.rule,
        kind=first.alert.kind,
        raised=raised > 0,
        message=f"{len(notices)} alerts of {first.alert.rule!r} within {span_s:.0f} s: {counts}",
        value=worst.alert.value,
        limit=worst.alert.limit,
        crystal_id=worst.alert.crystal_id,
        severity=max((notice.alert.severity for notice in notices), key=_ORDER.index),
    )
    summary = AlertSummary(
        event_ids=tuple(notice.event_id for notice in notices),
        raised=raised,
        fields=fields,
        worst=worst.alert,
        worst_field=worst.field,
        until=last.at,
    )
    return replace(
        first,
        at=first.at,
        field=fields[0] if len(fields) == 1 else "",
        alert=alert,
        summary=summary,
        archived=worst.archived,
    )
