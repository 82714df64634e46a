"""Until when alerts are muted: in the details of the note that says so."""

from __future__ import annotations

import json

from monitor.clock import Instant

LATEST_MUTING = (
    "SELECT e.details FROM event e JOIN run r ON r.run_id = e.run_id "
    "WHERE e.kind = 'note' AND SUBSTR(e.details, 1, 21) = '{{\"muted_until_utc_ns\"' {of_station}"
    "ORDER BY e.event_id DESC LIMIT 1"
)
"""The note of the muting that counts, of whichever run; `of_station` narrows it, or is empty."""


def muting_details(until: Instant) -> dict[str, float | str]:
    """The moment as an event's details; whole numbers as text, for JSON's are floats to some."""
    return {
        "muted_until_utc_ns": str(until.utc_ns),
        "boottime_ns": "" if until.boottime_ns is None else str(until.boottime_ns),
        "boot_id": until.boot_id,
    }


def read_muting(details: str) -> Instant:
    """What `muting_details` wrote, as it stands in the database."""
    plain = json.loads(details)
    boottime = plain["boottime_ns"]
    return Instant(int(plain["muted_until_utc_ns"]), int(boottime) if boottime else None, plain["boot_id"])
