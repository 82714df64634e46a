"""Where trails and key frames are kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from monitor.settings.base import SettingsModel
from monitor.settings.retention import RetentionSettings


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


@dataclass(frozen=True, slots=True)
class DiskLimits:
    """The limits on one disk, bytes of free room."""

    alert_bytes: float
    """Below it an alert is raised."""
    thin_bytes: float
    """Below it routine key frames are dropped."""
    pause_bytes: float
    """Below it the analysis pauses."""


class DiskSettings(SettingsModel):
    """What is done when a disk that the station writes to is almost full.

    On a small disk the limits are at most a tenth, a twentieth and a fiftieth of its size. Each is left again at 1.2
    times its value, so that nothing flickers.
    """

    alert_below_bytes: int = Field(default=5_000_000_000, ge=0)
    """Below this much free room an alert is raised, bytes."""
    thin_below_bytes: int = Field(default=2_000_000_000, ge=0)
    """Below this much free room the archive keeps no more routine frames and drops the oldest of them, bytes."""
    pause_below_bytes: int = Field(default=500_000_000, ge=0)
    """Below this much free room on the database's disk the analysis pauses, bytes: frames that it does not consider
    are counted as lost (reason `storage`) with policy `latest`, and the camera waits with policy `lossless`. It goes
    on by itself when there is room again."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.alert_below_bytes >= self.thin_below_bytes >= self.pause_below_bytes:
            raise ValueError(
                f"storage.disk: the limits must fall: alert_below_bytes ({self.alert_below_bytes}) >= thin_below_bytes "
                f"({self.thin_below_bytes}) >= pause_below_bytes ({self.pause_below_bytes})"
            )
        return self

    def limits(self, disk_bytes: float) -> DiskLimits:
        """The limits on a disk of this size, bytes."""
        return DiskLimits(
            min(self.alert_below_bytes, disk_bytes / 10),
            min(self.thin_below_bytes, disk_bytes / 20),
            min(self.pause_below_bytes, disk_bytes / 50),
        )


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
    retention: RetentionSettings = RetentionSettings()
    """How long the database keeps what."""
    disk: DiskSettings = DiskSettings()
    """What is done when a disk is almost full."""
    wal_alert_bytes: int = Field(default=64_000_000, ge=32_000_000)
    """Above this size of SQLite's write-ahead log an alert says which program holds it by reading without a break,
    bytes. The log is cut back to 16 MiB and less as soon as nobody does."""
    check_after_crash_s: float = Field(default=10.0, ge=0, allow_inf_nan=False)
    """After an unclean end an SQLite file is looked through for damage before it is written to, for at most so long,
    seconds (about a gigabyte in two seconds); 0: not at all. `check-database` looks at all of it."""
    allow_network_share: bool = False
    """Whether an SQLite file may lie on a network share (NFS, SMB, sshfs, 9p ...). There locks and shared memory cannot
    be relied on: allow it only where this machine alone ever opens the file, and the share syncs as a disk does."""
