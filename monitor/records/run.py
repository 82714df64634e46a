"""A run: one experiment, with its provenance, and what may be written to it besides frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum

from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.frame import FrameLoss
from monitor.records.alert import Alert
from monitor.records.growth import CompletionState
from monitor.records.result import Event, FieldStateRecord

_FRESH_NS = 600 * NANOSECONDS_PER_SECOND
"""A first frame from a file that is no older than this tells the time of day, nanoseconds."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known of a run when it begins; every field stands in the run's row."""

    name: str
    """The experiment's name, as the user gave it; need not be unique."""
    started: Instant
    """When the run was opened (for a replay: now, not the time of the images)."""
    epoch: Instant
    """What `elapsed_s` of every record of the run counts from, for the run's whole life: the first time zero.
    For a replay the time of the first frame."""
    version: str = ""
    """Version of Crystal Monitor."""
    model: str | None = None
    """The model's name."""
    weights_sha256: str | None = None
    """SHA-256 of the weights file, 64 hexadecimal digits."""
    model_card_json: str = "{}"
    """The model card, JSON."""
    backend: str | None = None
    """Back end and precision at the start, e.g. `openvino bf16`; each frame's row says what ran for it."""
    settings_json: str = "{}"
    """The whole settings, JSON."""
    camera: str = ""
    """The camera's model and serial number, or the source that was replayed."""
    um_per_px: float | None = None
    """Calibration at the start, µm per pixel; each frame's row has its own."""
    detection_limit_px: float | None = None
    """Area-equivalent diameter of the smallest crystal that is reported, px."""


@dataclass(frozen=True, slots=True)
class Run:
    """An open run."""

    run_id: int
    """Number in the store, from 1; never reused."""
    start: RunStart
    """As it began."""
    zero_s: float = 0.0
    """The operator's time zero, seconds after `start.epoch`. Views subtract it from every elapsed time, so
    that setting it moves the whole run's times at once; records always count from the epoch."""

    def elapsed_s(self, moment: Instant) -> float:
        """Seconds from the run's epoch to `moment`: the `elapsed_s` of records, not that of views."""
        return moment.seconds_since(self.start.epoch)

    def keeps_real_time(self, moment: Instant) -> bool:
        """Whether the run's frames are timed by the clock that `moment`, a moment of real time, was read from.

        They are not where time is simulated, has no date, or was long past when the run began (a replay): what
        happens outside any frame then happens at the time of the last frame.
        """
        epoch, started = self.start.epoch, self.start.started
        if moment.shares_boot(epoch):
            return True
        if epoch.boot_id:
            return epoch.boot_id == started.boot_id
        return abs(started.utc_ns - epoch.utc_ns) <= _FRESH_NS


class SessionEndKind(StrEnum):
    """How a grabber's session ended."""

    GOODBYE = "goodbye"
    """It said goodbye and told its last sequence number: the ledger is exact to the end."""
    UNKNOWN = "unknown"
    """It vanished: frames after the last one seen are unknown in number, at most `tail_at_most`."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """An event outside any frame: a note, a camera lost or back."""

    at: Instant
    """When."""
    event: Event
    """What."""
    field: str | None = None
    """The field concerned; None for the whole run."""
    details: Mapping[str, float | str] = dataclass_field(default_factory=dict)
    """Further figures, stored as JSON."""


@dataclass(frozen=True, slots=True)
class TimeZeroSet:
    """The operator says that the experiment began at this moment."""

    at: Instant
    """The moment that becomes 0 s in every view."""


@dataclass(frozen=True, slots=True)
class EventAcknowledged:
    """The operator has seen an event."""

    at: Instant
    """When."""
    event_id: int
    """Which; its first acknowledgement stays."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A grabber's session ended."""

    at: Instant
    """When that was known."""
    session: str
    """As in `Frame`."""
    kind: SessionEndKind
    """How."""
    last_index: int | None = None
    """Last sequence number that was sent, for `goodbye`; None where it sent nothing or is unknown."""
    tail_at_most: int | None = None
    """For `unknown`: at most so many frames were sent after the last one seen; None where nothing bounds
    it."""
    losses: tuple[FrameLoss, ...] = ()
    """What the session's end showed to be lost."""


@dataclass(frozen=True, slots=True)
class FramesPassedOver:
    """Frames of a session were not considered, and no frame that is says so: they had been considered before."""

    at: Instant
    """When that was known."""
    session: str
    """As in `Frame`."""
    losses: tuple[FrameLoss, ...]
    """Which, with all of the session that was lost before them."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over; the trails that still live end with `run_end`."""

    at: Instant
    """When."""
    reason: str = ""
    """Why, in the user's terms."""


@dataclass(frozen=True, slots=True)
class SilenceObserved:
    """Time passed without any frame: what that did to a field (blindness), with its state for the next
    start."""

    at: Instant
    """When."""
    field: str
    """The field."""
    completion: CompletionState
    """Its state now."""
    alerts: tuple[Alert, ...]
    """Alert rules that fired or cleared."""
    state: FieldStateRecord
    """For the next start."""


@dataclass(frozen=True, slots=True)
class AlertsMuted:
    """The operator wants no alert before a moment, in this run and in later ones."""

    at: Instant
    """When that was said."""
    until: Instant
    """Until when, on the real clock; `at` itself ends an earlier muting."""
    message: str
    """The note in the run's events."""


@dataclass(frozen=True, slots=True)
class StorageObserved:
    """What was seen of the disks and the write-ahead log, of the whole station rather than a field."""

    at: Instant
    """When."""
    alerts: tuple[Alert, ...]
    """Raised or cleared."""


RunChange = (
    RunEvent
    | TimeZeroSet
    | EventAcknowledged
    | SessionEnded
    | FramesPassedOver
    | RunEnded
    | SilenceObserved
    | AlertsMuted
    | StorageObserved
)
