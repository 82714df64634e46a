"""Where trails and key frames are kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from monitor.settings.base import SettingsModel


def user_database() -> str:
    """URL of the database in the user's data folder: the default where a station names none."""
    folder = Path(os.environ.get("XDG_DATA_HOME", "") or Path.home() / ".local" / "share") / "crystal-monitor"
    return f"sqlite:///{folder / 'station.sqlite'}"


class ArchiveSettings(SettingsModel):
    """Key frames, kept losslessly within a budget: those with an event, one every so often, those before an
    event.

    A grey 8-bit frame of 1024×1024 takes about 0.7 MB as PNG: one a minute is 1 GB a day.
    """

    folder: Path | None = None
    """Folder of the archive; none keeps no frames. It is made if it is missing."""
    budget_bytes: int = Field(default=20_000_000_000, ge=1_000_000)
    """Most that the archive may take, bytes; beyond it the oldest routine frames go first, then the oldest of
    all."""
    every_s: float = Field(default=600.0, ge=0, allow_inf_nan=False)
    """A routine frame every so many seconds; 0 keeps none but those around events."""
    frames_before: int = Field(default=3, ge=0, le=100)
    """How many frames before an event are kept with it; they wait in memory, about 1 MB each at 1024×1024."""
    compression: int = Field(default=1, ge=0, le=9)
    """PNG compression: 1 is fast (about 10 ms for 1024×1024), 9 is some 10 % smaller and ten times slower."""


class StorageSettings(SettingsModel):
    """The database and the archive of key frames.

    A frame writes one row of about 0.6 kB and a row of about 0.28 kB for every crystal in view: with 300
    crystals, a frame every 10 s is 2.6 million rows and 0.73 GB a day, every minute 0.43 million rows and
    0.12 GB a day.
    """

    database: str = Field(default_factory=user_database, min_length=1)
    """SQLAlchemy URL of an SQLite file (sqlite:///FOLDER/NAME.sqlite) or PostgreSQL database."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """How hard SQLite makes sure of a commit: FULL survives a power cut, NORMAL may lose the last frames in
    one."""
    archive: ArchiveSettings = ArchiveSettings()
    """Key frames."""
