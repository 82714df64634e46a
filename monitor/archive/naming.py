"""Names in the archive: they say why a frame was kept, so that the oldest routine frames can go first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from monitor.frame import Frame


class KeptFor(StrEnum):
    """Why a frame is in the archive."""

    ROUTINE = "routine"
    """It was time for one."""
    BEFORE = "before"
    """It came shortly before an event."""
    EVENT = "event"
    """Something happened in it."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A frame that is in the archive."""

    name: str
    """Path within the archive's folder: `run-RUN/FIELD/TIME-SESSION-INDEX-WHY.png`."""
    captured_utc_us: int
    """When it was captured, µs since 1970."""
    kept_for: KeptFor
    """Why."""


_FILE = re.compile(r"(?P<time>\d{16,17})-(?P<session>\w+)-(?P<index>\d+)-(?P<why>[a-z]+)\.png")


def name_frame(frame: Frame, run_id: int, kept_for: KeptFor) -> ArchivedFile:
    """Where the frame goes; unique by run, field, session and index."""
    captured_us = frame.captured.utc_ns // 1000
    field = re.sub(r"[^\w.-]", "_", frame.field).lstrip(".") or "_"
    file = f"{captured_us:016d}-{frame.session[:8]}-{frame.frame_index:08d}-{kept_for}.png"
    return ArchivedFile(f"run-{run_id}/{field}/{file}", captured_us, kept_for)


def read_name(name: str) -> ArchivedFile | None:
    """What a name says; None for a file that is none of ours."""
    found = _FILE.fullmatch(name.rpartition("/")[2])
    if found is None or found["why"] not in set(KeptFor):
        return None
    return ArchivedFile(name, int(found["time"]), KeptFor(found["why"]))
