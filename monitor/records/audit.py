"""The audit trail's records: what was done, who did it, on whose word, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum


class AuditKind(StrEnum):
    """What was done."""

    TRAIL_BEGUN = "trail_begun"
    """The first row of every audit trail."""
    TRAIL_EMPTIED = "trail_emptied"
    """The trail had rows and was found without any."""
    SERVICE_STARTED = "service_started"
    SERVICE_STOPPED = "service_stopped"
    SETTINGS_CHANGED = "settings_changed"
    """The settings are others than at the last start (or there was none); the details hold each difference."""
    MODEL_CHANGED = "model_changed"
    """The weights are others than at the last start, or there was none."""
    RUN_STARTED = "run_started"
    RUN_RESUMED = "run_resumed"
    RUN_ENDED = "run_ended"
    TIME_ZERO = "time_zero"
    NOTE = "note"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    CALIBRATION_CHANGED = "calibration_changed"
    LISTENER_REFUSED = "listener_refused"
    """Somebody without a listener's key asked the grabber for frames."""
    KEY_FRAMES_DELETED = "key_frames_deleted"
    """The archive deleted key frames to keep within its budget."""
    DATA_DELETED = "data_deleted"
    """Rows were deleted or thinned by retention."""
    CORRECTED = "corrected"
    """Stored figures were corrected; the former ones stay as an earlier revision."""
    BACKED_UP = "backed_up"
    RESTORED = "restored"


class Authority(StrEnum):
    """Whose word stands behind `Attribution.who`."""

    KERNEL = "kernel"
    """The kernel told the daemon which user asked (SO_PEERCRED of the control socket)."""
    PROCESS = "process"
    """The process that wrote the row did it by itself, as the user it runs as."""
    CLAIMED = "claimed"
    """A command that wrote the row itself, with the daemon down, said so."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who did it, and why."""

    by: Authority
    """Whose word it is."""
    who: str = ""
    """User name; empty for the user of the process that writes the row."""
    uid: int | None = None
    """The user's number on this machine."""
    claimed: str = ""
    """Whom the command line says it acts for, such as the user before `sudo`; nobody has proved it."""
    why: str = ""
    """The reason that was given."""


OF_THE_PROCESS = Attribution(Authority.PROCESS)
"""The daemon did it by itself."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed. When it was is when its row is written: the database's clock says so, in the deed's transaction."""

    kind: AuditKind
    """What."""
    message: str
    """The same in words."""
    attribution: Attribution = OF_THE_PROCESS
    """Who, and why."""
    run_id: int | None = None
    """The run concerned; None for none."""
    station: str = ""
    """The station's name, where several share a database; empty where the run tells it."""
    details: Mapping[str, object] = dataclass_field(default_factory=dict)
    """Figures, stored as JSON; no secrets."""
