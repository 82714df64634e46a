"""What the metrics are told by those who know: the stream, the engine, the store. Plain values for other threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StationIdentity:
    """What does not change while the process lives."""

    station: str
    """Name of the station."""
    version: str
    """Version of Crystal Monitor."""
    camera: str
    """Kind of the camera."""
    policy: str
    """The stream's policy."""
    model: str
    """Name of the weights."""
    weights_sha256: str
    """Hash of the weights' file."""
    interval_s: float
    """Least time between two analyses, seconds; 0: as fast as the machine can."""


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """The stream from the grabber; counts of grabber and analysis since each of them began."""

    heard: bool
    """Whether a grabber was heard."""
    camera_running: bool | None
    """Whether the camera gives frames; None while no grabber is heard."""
    behind: int
    """Frames between the last one that is accounted for and the newest that the grabber spoke of."""
    sessions: int
    """Sessions of grabbers seen."""
    malformed: int
    """Messages that could not be decoded."""
    lost: Mapping[str, int]
    """Frames that were never considered, by cause."""
    grabber: Mapping[str, int]
    """The grabber's own counts by name: grabbed, failed, served, undelivered, junk, camera_losses."""


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """The engine after the last frame."""

    backend: str
    """What serves, such as `openvino bf16`; empty where nothing does."""
    degraded: bool
    """Whether a back end that should serve does not."""


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What stands in the store, and the room that it has. None: not known (a server's disk; nothing could be read)."""

    readable: bool = True
    """Whether the last reading succeeded."""
    database_bytes: int | None = None
    """Size of the database's file."""
    wal_bytes: int | None = None
    """Size of its write-ahead log."""
    disk_free_bytes: int | None = None
    """Room that this user has on the database's disk."""
    disk_size_bytes: int | None = None
    """Size of that disk."""
    events: Mapping[str, int] = field(default_factory=dict)
    """Events since this process began, by kind."""
    alerts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Alerts since this process began, by the alert's kind and `raised` or `cleared`."""
    unacknowledged: int | None = None
    """Raised alerts of the open run that nobody acknowledged."""
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Deliveries of alerts since this process began, by sink and outcome (`sent`, `given_up`)."""
    failed_attempts: Mapping[str, int] = field(default_factory=dict)
    """Attempts to deliver that failed since this process began, by sink."""
    pending: Mapping[str, int] = field(default_factory=dict)
    """Deliveries that wait, by sink."""
