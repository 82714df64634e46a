"""Alerts about the sinks themselves: one that has not taken alerts for too long, told to the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from monitor.clock import Instant
from monitor.records import Alert, AlertKind
from monitor.records.delivery import Arrears, sink_rule
from monitor.records.vocabulary import Severity


def arrears_alerts(
    told: Mapping[str, bool],
    sinks: Collection[str],
    found: Iterable[Arrears],
    overdue_after_s: float,
    now: Instant,
) -> list[Alert]:
    """What is to be told now.

    Args:
        told: by rule (`sink_rule`), whether the last alert about that sink was raised (True) or cleared.
        sinks: the names of all sinks that there are.
        found: the sinks that have not taken what they should have.
        overdue_after_s: what counts as too long, seconds.
        now: the present moment, on the real clock.
    """
    late = {sink_rule(one.sink): one for one in found}
    alerts = []
    for rule, one in late.items():
        if told.get(rule):
            continue
        waits_s = max(0.0, now.seconds_since(one.oldest))  # of a clock that was set back nobody can tell
        alerts_wait = "1 alert waits" if one.count == 1 else f"{one.count} alerts wait"
        why = f"; the last attempt: {one.last_error}" if one.last_error else "; it has not answered yet"
        message = f"{alerts_wait} for sink {one.sink}, the oldest for {waits_s:.0f} s{why}"
        alerts.append(
            Alert(rule, AlertKind.DELIVERY, True, message, waits_s, overdue_after_s, None, Severity.WARNING)
        )
    for sink in sinks:
        rule = sink_rule(sink)
        if told.get(rule) and rule not in late:
            message = f"cleared: sink {sink} takes alerts again, none is overdue"
            alerts.append(
                Alert(rule, AlertKind.DELIVERY, False, message, None, overdue_after_s, None, Severity.WARNING)
            )
    return alerts
