"""What is wrong with a station that runs, in the user's terms. Pure: who asks gives the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.analysis import DaemonStatus
from monitor.records import RunState
from monitor.records.storage import bytes_text
from monitor.settings.station import StationSettings
from monitor.version import __version__

LONGEST_SILENCE_S = 60.0
"""Beyond three intervals, a frame may be missing for so long before it is trouble, seconds."""
MANY_ATTEMPTS = 3
"""So many attempts to deliver an alert may fail before that is trouble."""


@dataclass(frozen=True, slots=True)
class RoomStatus:
    """The room of an SQLite database, bytes."""

    database_bytes: int
    wal_bytes: int
    disk_free_bytes: int
    disk_size_bytes: int


def troubles_of(
    settings: StationSettings,
    daemon: DaemonStatus | None,
    fields: Sequence[Mapping[str, object]],
    deliveries: Sequence[Mapping[str, object]],
    room: RoomStatus | None,
) -> Iterator[str]:
    """Each trouble with its remedy; None of it: nothing is known.

    `fields`: rows with field, state and explanation; `deliveries`: with sink, waiting, attempts and last_error.
    """
    if daemon is not None:
        yield from _troubles_of_daemon(settings, daemon)
        for row in fields:
            if row["state"] == RunState.BLIND:
                yield f"field {row['field']} is blind: {row['explanation']}"
    for row in deliveries:
        if int(str(row["attempts"])) >= MANY_ATTEMPTS:
            yield f"{row['waiting']} alerts wait for sink {row['sink']}: {row['last_error']}"
    if room is not None:
        if room.disk_free_bytes < settings.storage.disk.limits(room.disk_size_bytes).alert_bytes:
            yield f"{bytes_text(room.disk_free_bytes)} are left on the database's disk: make room"
        if room.wal_bytes > settings.storage.wal_alert_bytes:
            yield (
                f"the write-ahead log has {bytes_text(room.wal_bytes)}: a reader keeps an old state open, end it"
            )


def _troubles_of_daemon(settings: StationSettings, daemon: DaemonStatus) -> Iterator[str]:
    if daemon.version != __version__:
        yield f"version {daemon.version} runs, {__version__} is installed: start it again"
    if daemon.waiting_for:
        yield f"nothing can be stored: {daemon.waiting_for}"
    if daemon.degraded:
        yield f"the engine is not what it should be: {daemon.engine}"
    if not daemon.grabber_heard:
        yield "no grabber was heard: is it running?"
    elif daemon.camera_running is None:
        yield "the grabber is no longer heard: is it running?"
    elif not daemon.camera_running:
        yield f"the camera gives no frames: {settings.camera.where_to_look}"
    longest_s = LONGEST_SILENCE_S + 3 * settings.analysis.interval_s
    if daemon.since_frame_s is not None and daemon.since_frame_s > longest_s:
        yield f"no frame was committed for {daemon.since_frame_s:.0f} s (more than {longest_s:.0f} s is too long)"
