"""`FrameResult`: all that one frame yielded, as it is written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.clock import Instant
from monitor.frame import FrameLoss, TimeSource
from monitor.records.alert import Alert
from monitor.records.growth import CompletionState, GrowthFit, SizeDistribution
from monitor.records.observation import FrameQuality
from monitor.records.trail import TrackerStep
from monitor.records.vocabulary import EventKind


@dataclass(frozen=True, slots=True)
class Event:
    """A row of `event_log` that concerns the run or the field rather than one crystal, or is made by analysis."""

    kind: EventKind
    """What happened."""
    message: str
    """In the user's terms."""
    crystal_id: int | None = None
    """The crystal concerned."""
    value: float | None = None
    """The figure that belongs to it."""


@dataclass(frozen=True, slots=True)
class FieldStateRecord:
    """What a restart needs to go on in a field where the daemon stopped; replaced in every frame's transaction."""

    tracker_json: str
    """State of the tracker, JSON."""
    completion_json: str
    """State of the completion logic, JSON."""
    alerts_json: str
    """State of the alert rules, JSON."""
    labels: bytes
    """Last good frame's identities (int32 labels_HW, value = crystal number), packed by `monitor.records.labels`."""


@dataclass(frozen=True, slots=True)
class ArchivedFrame:
    """An earlier frame that was kept as a key frame only now: the ring before a trigger."""

    session: str
    """Its session."""
    frame_index: int
    """Its sequence number."""
    name: str
    """Its name in the archive."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """One frame, considered. `tracker`, `completion` and the rest are None where the frame was not `ok`."""

    session: str
    """The grabber's session."""
    field: str
    """The well, drop or stage position."""
    frame_index: int
    """The camera's sequence number."""
    captured: Instant
    """When it was captured."""
    time_source: TimeSource
    """How that is known."""
    elapsed_s: float
    """Seconds since the run's time zero."""
    age_s: float | None
    """Age of the frame when its analysis began, seconds; None for files."""
    width_px: int | None
    """Columns of the image."""
    height_px: int | None
    """Rows of the image."""
    um_per_px: float | None
    """Calibration, µm per pixel."""
    source_name: str
    """File that it came from; empty for live cameras."""
    quality: FrameQuality
    """Status, reason and figures."""
    backend: str | None = None
    """Back end that ran, e.g. `openvino bf16`; None where none did."""
    tracker: TrackerStep | None = None
    """Points, births, ends, events."""
    fits: tuple[GrowthFit, ...] = ()
    """Fits of the crystals whose figures changed in this frame."""
    distributions: tuple[SizeDistribution, ...] = ()
    """Rows of `csd`."""
    completion: CompletionState | None = None
    """State and forecast."""
    count: int | None = None
    """Crystals in the frame (confirmed trails)."""
    total_area_px: float | None = None
    """Their total area, px²."""
    total_area_um2: float | None = None
    """Their total area, µm²."""
    alerts: tuple[Alert, ...] = ()
    """Alert rules that fired or cleared."""
    events: tuple[Event, ...] = ()
    """Other events."""
    losses: tuple[FrameLoss, ...] = ()
    """Frames since the last result that were never considered."""
    state: FieldStateRecord | None = None
    """For the next start; None leaves the stored one."""
    archived: str | None = None
    """Name of the key frame in the archive, if it was kept."""
    archived_before: tuple[ArchivedFrame, ...] = ()
    """Earlier frames of the field that were kept together with this one."""
    archive_dropped: tuple[str, ...] = ()
    """Names of key frames that the archive gave up for want of room; their rows no longer name them."""
    labels_HW: NDArray[np.int32] | None = None
    """Identities of the confirmed crystals, for preview and archive; not stored in the row."""
