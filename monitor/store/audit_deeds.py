"""What the store's own changes are to the audit trail: which of them it tells of, and in what words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from monitor.clock import Instant
from monitor.records.audit import OF_THE_PROCESS, Attribution, AuditEntry, AuditKind
from monitor.records.result import FrameResult
from monitor.records.run import AlertsMuted, EventAcknowledged, Run, RunChange, RunEvent, TimeZeroSet
from monitor.records.vocabulary import EventKind
from monitor.store.column_types import utc_text

_EVENTS = {
    EventKind.NOTE: AuditKind.NOTE,
    EventKind.RUN_RESUMED: AuditKind.RUN_RESUMED,
    EventKind.CALIBRATION_CHANGED: AuditKind.CALIBRATION_CHANGED,
}
"""Events that are deeds of somebody, or change what figures mean."""


PROVENANCE = (
    "name", "version", "model", "weights_sha256", "backend", "camera", "um_per_px", "detection_limit_px",
)  # fmt: skip
"""Columns of a run's row that never change after its start; the trail holds them too."""
HASHED_PROVENANCE = {"settings": "settings_sha256", "model_card": "model_card_sha256"}
"""The long ones, by what the trail calls their hash."""


def text_sha256(text: str) -> str:
    """SHA-256 of a run's settings or model card, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def run_started(opened: Run, by: Attribution) -> AuditEntry:
    """A run was opened, with what it is computed with."""
    start = opened.start
    details = {name: getattr(start, name) for name in PROVENANCE} | {
        HASHED_PROVENANCE["settings"]: text_sha256(start.settings_json),
        HASHED_PROVENANCE["model_card"]: text_sha256(start.model_card_json),
    }
    return AuditEntry(
        AuditKind.RUN_STARTED, f"run {start.name!r} started", by, opened.run_id, details=details
    )


def run_ended(ended: Run, at: Instant, message: str, by: Attribution) -> AuditEntry:
    """A run was closed, and when by the clock of its frames."""
    return AuditEntry(AuditKind.RUN_ENDED, message, by, ended.run_id, details={"ended_at": utc_text(at.utc)})


def acknowledged(change: EventAcknowledged, by: Attribution, run_id: int) -> AuditEntry:
    """An event of the run `run_id` was acknowledged."""
    # That the run is named here too tells these rows from former ones, which named the open run.
    details = {"event_id": change.event_id, "run_id": run_id}
    message = f"event {change.event_id} acknowledged"
    return AuditEntry(AuditKind.ACKNOWLEDGED, message, by, run_id, details=details)


def run_changed(before: Run, after: Run, change: RunChange, by: Attribution) -> AuditEntry | None:
    """The deed that a change is; None for one that the trail does not tell of (or that is told of elsewhere)."""
    run_id = before.run_id
    match change:
        case TimeZeroSet():
            zeros = {"before_s": before.zero_s, "after_s": after.zero_s}
            message = f"time zero set, {after.zero_s - before.zero_s:+.6g} s after the last one"
            return AuditEntry(AuditKind.TIME_ZERO, message, by, run_id, details=zeros)
        case AlertsMuted():
            muted = {"until": change.until.utc.isoformat()}
            return AuditEntry(AuditKind.MUTED, change.message, by, run_id, details=muted)
        case RunEvent() if change.event.kind in _EVENTS:
            return AuditEntry(_EVENTS[change.event.kind], change.event.message, by, run_id)
        case _:
            return None


def frame_deeds(run: Run, result: FrameResult) -> Iterator[AuditEntry]:
    """What came with a frame: another calibration. Key frames that the archive deleted are told by the hour."""
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
