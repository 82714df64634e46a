"""The words that stand in the database's columns: enums, so that they mean the same everywhere."""

from __future__ import annotations

from enum import StrEnum


class FrameStatus(StrEnum):
    """What became of a frame that was considered."""

    OK = "ok"
    FAILED = "failed"
    """No image, or the engine failed: nothing is known of the crystals."""
    REJECTED = "rejected"
    """An image that must not be measured: see the reason."""


class RejectReason(StrEnum):
    """Why a frame was rejected (status `rejected`) or failed (status `failed`)."""

    DARK = "dark"
    SATURATED = "saturated"
    UNSHARP = "unsharp"
    FROZEN = "frozen"
    SIZE_CHANGED = "size_changed"
    UNREADABLE = "unreadable"
    CAMERA = "camera"
    ENGINE = "engine"
    TIME_REVERSED = "time_reversed"
    NO_TIME = "no_time"


class BirthKind(StrEnum):
    """How a crystal's trail began."""

    BORN = "born"
    PRESENT_AT_START = "present_at_start"
    """In the run's first good frame: left-censored."""
    ENTERED = "entered"
    """Came over the border of the field."""
    SPLIT = "split"
    MERGED = "merged"
    """The body that two or more crystals merged into; no birth."""


class EndReason(StrEnum):
    """How a crystal's trail ended."""

    RUN_END = "run_end"
    MERGED = "merged"
    DISSOLVED = "dissolved"
    LEFT = "left"
    LOST = "lost"


class RunState(StrEnum):
    """How far the crystallization of a field has come."""

    WAITING = "waiting"
    NUCLEATED = "nucleated"
    GROWING = "growing"
    SLOWING = "slowing"
    COMPLETE = "complete"
    RIPENING = "ripening"
    DISSOLVING = "dissolving"
    BLIND = "blind"


class Habit(StrEnum):
    """Outward form of a crystal, judged from its outline."""

    PRISM = "prism"
    PLATE = "plate"
    NEEDLE = "needle"
    ROUNDED = "rounded"
    AGGREGATE = "aggregate"
    PRECIPITATE = "precipitate"
    """Kept for an engine that segments precipitate and oil; never given now: see `monitor/measure/README.md`."""
    UNKNOWN = "unknown"


class EventKind(StrEnum):
    """What an event in `event_log` tells."""

    RUN_STARTED = "run_started"
    RUN_RESUMED = "run_resumed"
    RUN_ENDED = "run_ended"
    TIME_ZERO = "time_zero"
    NOTE = "note"
    NUCLEATION = "nucleation"
    """The first confirmed crystal that was born in the run, in a field that was empty at its first good frame."""
    BIRTH = "birth"
    ENTRY = "entry"
    CONTACT = "contact"
    MERGE = "merge"
    SPLIT = "split"
    DISSOLUTION = "dissolution"
    DEPARTURE = "departure"
    LOSS = "loss"
    RETURN = "return"
    STATE = "state"
    """The run's state changed."""
    COMPLETE = "complete"
    REOPENED = "reopened"
    """New growth after `complete`."""
    ALERT_RAISED = "alert_raised"
    ALERT_CLEARED = "alert_cleared"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    ENGINE_FAILED = "engine_failed"
    ENGINE_BACK = "engine_back"
    ENGINE_SWAPPED = "engine_swapped"
    """A better back end took over between two frames; the message says what runs now."""
    ENGINE_DEGRADED = "engine_degraded"
    """The back end was lost, and another did the same frame; the message says which and why."""
    ENGINE_REFUSED = "engine_refused"
    """A back end did not pass the parity gate or could not be made ready; it does not serve."""
    CALIBRATION_CHANGED = "calibration_changed"
    CLOCK_STEPPED = "clock_stepped"
    """The machine's time of day was set; durations and rates go by another clock and did not change."""
    STORAGE_PAUSED = "storage_paused"
    """Nothing can be stored: the disk is full or fails, or the database server is away; the message says why."""
    STORAGE_RESUMED = "storage_resumed"
    """Frames are stored again; the message says for how long they were not."""
    SLOW = "slow"
    """Analysis takes longer than the configured interval."""
    ALERT_UNDELIVERED = "alert_undelivered"
    """A sink will not get an alert: it refused it, or did not take it for too long; the message says which and why."""


class AlertKind(StrEnum):
    """What an alert rule watches."""

    GROWTH_RATE = "growth_rate"
    NUCLEATION = "nucleation"
    COUNT = "count"
    COVERAGE = "coverage"
    SIZE = "size"
    STALLED = "stalled"
    RIPENING = "ripening"
    DISSOLVING = "dissolving"
    COMPLETE = "complete"
    BLIND = "blind"
    SLOW = "slow"
    ENGINE = "engine"
    """The back end that should serve does not: lost, refused, or none is left."""
    DISK = "disk"
    """Room on a disk that the station writes to: `storage.disk`."""
    WAL = "wal"
    """The length of SQLite's write-ahead log: `storage.wal_alert_bytes`."""
    DELIVERY = "delivery"
    """A sink has not taken alerts for too long; told to the other sinks."""


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    """Told again until somebody acknowledges it, where `alerts.remind_every_s` is set."""


class DeliveryState(StrEnum):
    """What became of an alert on its way to a sink."""

    PENDING = "pending"
    SENT = "sent"
    GIVEN_UP = "given_up"
    """It will not be sent; `last_error` says why."""
