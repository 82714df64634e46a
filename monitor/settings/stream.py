"""Settings of the frame stream between the grabber process and the analysis process."""

from __future__ import annotations

import os
import re
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PositiveFloat, field_validator, model_validator

from monitor.settings.base import SettingsModel
from monitor.settings.endpoints import IPC_PREFIX, check_endpoint, leaves_the_machine, socket_path
from monitor.settings.secrets import Secret

SYSTEM_FOLDER = Path("/run/crystal-monitor")
UNNAMED = "station"
"""Name of a station whose settings name none."""


class StreamPolicy(StrEnum):
    """What happens to frames that the analysis is too slow for."""

    LATEST = "latest"
    """Live: the analysis always gets the newest frame; those it had no time for are counted as superseded."""
    LOSSLESS = "lossless"
    """The camera waits for the analysis; nothing is lost."""


def runtime_folder() -> Path:
    """The folder of a station's sockets where it names none.

    The unit's runtime folder under systemd (RUNTIME_DIRECTORY), `/run/crystal-monitor` where this user may write
    there, else the user's own runtime folder (XDG_RUNTIME_DIR), else a folder of the user's under the temporary files.
    Every process of one user finds the same.
    """
    unit = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    user = os.environ.get("XDG_RUNTIME_DIR", "")
    if unit.startswith("/"):
        return Path(unit)
    if os.access(SYSTEM_FOLDER, os.W_OK | os.X_OK):
        return SYSTEM_FOLDER
    if user.startswith("/") and os.access(user, os.W_OK | os.X_OK):
        return Path(user) / "crystal-monitor"
    return Path(tempfile.gettempdir()) / f"crystal-monitor-{os.getuid()}"


def default_endpoint(station: str = UNNAMED) -> str:
    """The stream's socket where a station names none: in a folder of the station's name in `runtime_folder`.

    A station without a name of its own has it in `runtime_folder` itself, and so has one whose unit gave it a folder of
    its name.
    """
    folder = runtime_folder()
    if station not in (UNNAMED, folder.name):
        folder /= station
    return f"{IPC_PREFIX}{folder}/frames.ipc"


PUBLIC_KEY = r"^[0-9A-Za-z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$"
PublicKey = Annotated[str, Field(pattern=PUBLIC_KEY)]


class StreamKeys(SettingsModel):
    """CURVE keys: who serves frames, and who may have them. `crystal-monitor keys NAME --out FOLDER` makes a pair."""

    grabber_secret: Secret | None = None
    """The grabber's secret key; on the grabber's machine alone."""
    listeners: tuple[PublicKey, ...] = Field(default=(), max_length=64)
    """Public keys (40 characters) that may have frames; on the grabber's machine. Every other one is refused."""
    grabber_public: PublicKey | None = None
    """The grabber's public key (40 characters), by which the analysis knows it; on the analysis' machine."""
    listener_secret: Secret | None = None
    """The analysis' own secret key; on the analysis' machine alone."""


class StreamSettings(SettingsModel):
    """Frames from the grabber to the analysis."""

    endpoint: str = Field(default_factory=default_endpoint)
    """Where the grabber serves its frames: `ipc://` and the absolute path of a socket, at most 107 bytes long, or
    `tcp://HOST:PORT`, which needs `keys` unless HOST is the machine itself (127.0.0.1). If not given:
    `NAME/frames.ipc`, NAME the station's, in the unit's runtime folder, in `/run/crystal-monitor`, or in the user's
    runtime folder; without NAME where the station has none."""
    keys: StreamKeys | None = None
    """Keys that the stream is encrypted with, and without which nobody gets a frame; none leaves it to the permissions
    of the socket."""
    policy: StreamPolicy = StreamPolicy.LATEST
    """`latest`: the newest frame, at most 2 camera periods old; `lossless`: every frame, the camera waits."""
    lossless_depth: int = Field(default=2, ge=1, le=64)
    """Frames that the grabber reads ahead of the analysis under `lossless`; each is held in memory."""
    heartbeat_s: PositiveFloat = 1.0
    """Seconds between the grabber's signs of life while no frame is due."""
    silence_s: PositiveFloat = 5.0
    """Seconds without a sign of life after which the analysis calls the stream silent."""
    farewell_s: float = Field(default=2.0, ge=0)
    """Seconds that a stopping grabber waits for the analysis to take held frames and its goodbye."""
    reconnect_first_s: PositiveFloat = 0.5
    """Seconds before a camera that failed is opened again; doubled after every failure."""
    reconnect_longest_s: PositiveFloat = 30.0
    """Longest wait in seconds between two attempts to open a camera that failed."""

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_usable(cls, endpoint: str) -> str:
        return check_endpoint(endpoint)

    @model_validator(mode="after")
    def _no_frames_for_everybody(self) -> Self:
        if self.keys is None and leaves_the_machine(self.endpoint):
            raise ValueError(
                f"the endpoint {self.endpoint!r} can be reached from other machines, and without keys everybody there "
                "would have the frames: make keys (`crystal-monitor keys grabber --out FOLDER`) and name them in "
                "[stream.keys], or serve on ipc:// or tcp://127.0.0.1"
            )
        return self

    @property
    def folder(self) -> Path:
        """Where the stream's own files are: beside its socket, for TCP in the runtime folder."""
        path = socket_path(self.endpoint)
        return path.parent if path is not None else runtime_folder()

    @property
    def session_file(self) -> Path:
        """The file that outlives a killed grabber: one for each endpoint."""
        path = socket_path(self.endpoint)
        name = path.name if path is not None else re.sub(r"[^A-Za-z0-9.]+", "-", self.endpoint)
        return self.folder / f"{name}.session"
