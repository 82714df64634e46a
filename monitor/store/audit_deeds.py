"""What the store's own changes are to the audit trail: which of them it tells of, and in what words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from monitor.records.audit import OF_THE_PROCESS, Attribution, AuditEntry, AuditKind
from monitor.records.result import FrameResult
from monitor.records.run import AlertsMuted, EventAcknowledged, Run, RunChange, RunEvent, TimeZeroSet
from monitor.records.vocabulary import EventKind

_EVENTS = {
    EventKind.NOTE: AuditKind.NOTE,
    EventKind.RUN_RESUMED: AuditKind.RUN_RESUMED,
    EventKind.CALIBRATION_CHANGED: AuditKind.CALIBRATION_CHANGED,
}
"""Events that are deeds of somebody, or change what figures mean."""


PROVENANCE = ("name", "version", "model", "weights_sha256", "backend", "camera", "um_per_px")
"""Columns of a run's row that never change after its start; the trail holds them too."""


def settings_sha256(settings_json: str) -> str:
    """SHA-256 of a run's settings, hexadecimal."""
    return hashlib.sha256(settings_json.encode("utf-8", "surrogatepass")).hexdigest()


def run_started(opened: Run, by: Attribution) -> AuditEntry:
    """A run was opened, with what it is computed with."""
    start = opened.start
    details = {name: getattr(start, name) for name in PROVENANCE} | {
        "settings_sha256": settings_sha256(start.settings_json)
    }
    return AuditEntry(
        AuditKind.RUN_STARTED, f"run {start.name!r} started", by, opened.run_id, details=details
    )


def run_ended(ended: Run, message: str, by: Attribution) -> AuditEntry:
    """A run was closed."""
    return AuditEntry(AuditKind.RUN_ENDED, message, by, ended.run_id)


def run_changed(before: Run, after: Run, change: RunChange, by: Attribution) -> AuditEntry | None:
    """The deed that a change is; None for one that the trail does not tell of (or that is told of elsewhere)."""
    run_id = before.run_id
    match change:
        case TimeZeroSet():
            zeros = {"before_s": before.zero_s, "after_s": after.zero_s}
            message = f"time zero set, {after.zero_s - before.zero_s:+.6g} s after the last one"
            return AuditEntry(AuditKind.TIME_ZERO, message, by, run_id, details=zeros)
        case EventAcknowledged():
            acknowledged = {"event_id": change.event_id}
            message = f"event {change.event_id} acknowledged"
            return AuditEntry(AuditKind.ACKNOWLEDGED, message, by, run_id, details=acknowledged)
        case AlertsMuted():
            muted = {"until": change.until.utc.isoformat()}
            return AuditEntry(AuditKind.MUTED, change.message, by, run_id, details=muted)
        case RunEvent() if change.event.kind in _EVENTS:
            return AuditEntry(_EVENTS[change.event.kind], change.event.message, by, run_id)
        case _:
            return None


def frame_deeds(run: Run, result: FrameResult) -> Iterator[AuditEntry]:
    """What came with a frame: another calibration, key frames that the archive deleted for want of room."""
    for one in result.events:
        if one.kind is EventKind.CALIBRATION_CHANGED:
            details = {
                "field": result.field,
                "frame_index": result.frame_index,
                "um_per_px": result.um_per_px,
            }
            yield AuditEntry(
                AuditKind.CALIBRATION_CHANGED, one.message, OF_THE_PROCESS, run.run_id, details=details
            )
    if result.archive_dropped:
        names = list(result.archive_dropped)
        message = f"{len(names)} key frame(s) deleted to keep within the archive's budget"
        yield AuditEntry(
            AuditKind.KEY_FRAMES_DELETED, message, OF_THE_PROCESS, run.run_id, details={"files": names}
        )
