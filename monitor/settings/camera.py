"""Settings of the cameras: one model per kind, told apart by `kind`."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, field_validator, model_validator

from monitor.frame import DEFAULT_FIELD
from monitor.settings.base import SettingsModel
from monitor.settings.simulation import SimulationSettings

_NAME_GROUPS = frozenset({"seconds", "minutes", "hours", "stamp"})


class TimeOrder(StrEnum):
    """A place where a file's time of capture may stand."""

    TIMESTAMPS_FILE = "timestamps_file"
    """A CSV file with the columns `file,seconds`."""
    IMAGE_TAG = "image_tag"
    """EXIF DateTimeOriginal, or the TIFF tag DateTime."""
    FILE_NAME = "file_name"
    """A pattern in the file's name."""
    FILE_TIME = "file_time"
    """The file's own time of last modification."""


class NamePattern(SettingsModel):
    """How a time is read from a file's name."""

    pattern: str
    r"""Regular expression with one or more of the groups `hours`, `minutes`, `seconds` (numbers, added
    up), or with the group `stamp` (a date and time); `_t(?P<seconds>\d+)s` reads `f03_t16s.png`."""
    format: str = ""
    """How `stamp` is written, in the letters of Python's strptime, e.g. `%Y%m%d_%H%M%S`; empty for ISO
    8601."""

    @field_validator("pattern")
    @classmethod
    def _pattern_has_a_time(cls, pattern: str) -> str:
        try:
            groups = set(re.compile(pattern).groupindex)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        if not groups or not groups <= _NAME_GROUPS:
            raise ValueError(
                f"the pattern {pattern!r} names the groups {sorted(groups)}: name one or more of "
                "(?P<hours>…), (?P<minutes>…), (?P<seconds>…), or (?P<stamp>…)"
            )
        return pattern


DEFAULT_NAME_PATTERNS = (
    NamePattern(pattern=r"(?P<stamp>\d{4}-\d\d-\d\d[T_ ]\d\d[-:]\d\d[-:]\d\d(?:[.,]\d+)?)"),
    NamePattern(pattern=r"(?<!\d)(?P<stamp>\d{8}[_T-]?\d{6})(?!\d)"),
    NamePattern(pattern=r"(?<![A-Za-z])t(?P<seconds>\d+(?:\.\d+)?)s(?![A-Za-z])"),
)


class TimeReading(SettingsModel):
    """Where the time of a file's capture comes from; the first place that knows it for the first file is
    kept to."""

    order: tuple[TimeOrder, ...] = Field(default=tuple(TimeOrder), min_length=1)
    """Places that are asked, in this order. One place serves the whole session: times of two kinds do not
    mix."""
    timestamps: Path | None = None
    """CSV file with the header `file,seconds`: file names without folder, seconds since the run's zero."""
    name_patterns: tuple[NamePattern, ...] = DEFAULT_NAME_PATTERNS
    """Patterns for `file_name`, tried in this order."""
    time_zone: str = "UTC"
    """Zone of tags and names that state none, as in the tz database, e.g. `Europe/Berlin`."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError, see below
            raise ValueError(f"there is no time zone {zone!r}: write it as in Europe/Berlin") from error
        except KeyError as error:
            raise ValueError(f"there is no time zone {zone!r}: write it as in Europe/Berlin") from error
        return zone


class CameraCommon(SettingsModel):
    """What every camera is told."""

    um_per_px: PositiveFloat | None = Field(default=None, le=1e6)
    """Calibration in µm per pixel; without it all sizes are in pixels and no µm is ever given."""
    field: str = Field(default=DEFAULT_FIELD, min_length=1, max_length=128)
    """Name of the well, drop or stage position that it looks at."""

    @property
    def where_to_look(self) -> str:
        """What the user is to look at when it gives no frames."""
        return "look at its cable and power"


class LimitedCamera(CameraCommon):
    """A camera with a pace of its own."""

    frames_per_s: PositiveFloat | None = None
    """Largest number of frames per second that are passed on; no limit if not given."""


class SimulatedCameraSettings(CameraCommon):
    """The simulated microscope. Its µm per pixel, if not given here, are those of the simulation."""

    kind: Literal["simulated"] = "simulated"
    """The simulated microscope."""
    frames_per_s: PositiveFloat = 2.0
    """Frames per second of real time."""
    time_compression: PositiveFloat = 1.0
    """Simulated seconds per second of real time."""
    duration_s: PositiveFloat | None = None
    """Simulated seconds after which the camera ends; never if not given."""
    started_at: datetime | None = None
    """When the experiment began (with a time zone), so that a restarted grabber joins it where it is by
    now; if not given, it begins anew whenever the camera opens."""
    preset: str | None = Field(default=None, min_length=1, max_length=64)
    """Name of a ready-made experiment, such as `demo`, in place of `simulation`."""
    seed: int | None = Field(default=None, ge=0)
    """Seed of everything random; the experiment's own if not given."""
    simulation: SimulationSettings = SimulationSettings()
    """What happens under the microscope."""

    @model_validator(mode="after")
    def _preset_stands_alone(self) -> Self:
        if self.preset is not None and "simulation" in self.model_fields_set:
            raise ValueError("preset and simulation were both given: leave one of the two out")
        return self

    @model_validator(mode="after")
    def _start_has_a_zone(self) -> Self:
        if self.started_at is not None and self.started_at.tzinfo is None:
            raise ValueError("started_at has no time zone: write it as in 2026-01-31T12:00:00Z")
        return self


class FolderCameraSettings(LimitedCamera):
    """A folder that microscope software writes images into. Watched by listing it: network shares tell no
    events."""

    kind: Literal["folder"] = "folder"
    """A watched folder."""
    folder: Path
    """The folder."""
    existing: bool = False
    """Whether images that are there at the start are taken, in natural order of their names, or only new ones. After a
    restart those that the open run has considered are passed over and counted (`repeated`)."""
    poll_interval_s: PositiveFloat = 0.5
    """Seconds between two listings of the folder."""
    settle_s: float = Field(default=1.0, ge=0)
    """Seconds that a file's size and time must stand still before it is read."""
    give_up_s: PositiveFloat = 10.0
    """Seconds after its last change at which a file that still cannot be read is counted as failed."""
    time: TimeReading = TimeReading()
    """Where the times of capture come from."""

    @property
    def where_to_look(self) -> str:
        """See `CameraCommon`."""
        return f"look whether the folder {self.folder} is there, its network share mounted, and may be read"


class VideoCameraSettings(LimitedCamera):
    """A device, a network stream or a video file, through OpenCV."""

    kind: Literal["video"] = "video"
    """A device, a network stream or a video file."""
    source: int | str
    """Number of the device (0 for /dev/video0), address of a stream (rtsp://, http://), or path of a video
    file."""
    silence_s: PositiveFloat = 10.0
    """Seconds without a frame after which a device or stream counts as lost."""
    paced: bool = True
    """Whether a video file is played at its own speed (else as fast as it is read)."""
    width_px: int | None = Field(default=None, ge=1, le=65_536)
    """Columns to ask a device for; its own choice if not given."""
    height_px: int | None = Field(default=None, ge=1, le=65_536)
    """Rows to ask a device for; its own choice if not given."""

    @field_validator("source", mode="before")
    @classmethod
    def _digits_are_a_device(cls, source: object) -> object:
        # Flags and environment variables know text alone.
        return int(source) if isinstance(source, str) and source.isdecimal() else source


class PluginCameraSettings(LimitedCamera):
    """A camera from another package, registered under the entry points `crystal_monitor.cameras`."""

    kind: Literal["plugin"] = "plugin"
    """A camera from another package."""
    name: str = Field(min_length=1, max_length=128)
    """Name that the package registered it under."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the package wants to be told; passed on as it is."""


CameraSettings = Annotated[
    SimulatedCameraSettings | FolderCameraSettings | VideoCameraSettings | PluginCameraSettings,
    Field(discriminator="kind"),
]
