"""Settings of the frame stream between the grabber process and the analysis process."""

from __future__ import annotations

import os
import tempfile
from enum import StrEnum
from pathlib import Path

from pydantic import Field, PositiveFloat, field_validator

from monitor.settings.base import SettingsModel

IPC_PREFIX = "ipc://"
SYSTEM_FOLDER = Path("/run/crystal-monitor")
IPC_PATH_LIMIT_BYTES = 107
"""Longest path of a Unix socket on Linux (sun_path holds 108 bytes, one of them the closing zero)."""


class StreamPolicy(StrEnum):
    """What happens to frames that the analysis is too slow for."""

    LATEST = "latest"
    """Live: the analysis always gets the newest frame; those it had no time for are counted as superseded."""
    LOSSLESS = "lossless"
    """The camera waits for the analysis; nothing is lost."""


def default_endpoint() -> str:
    """The stream's socket where a station names none.

    In the unit's runtime folder under systemd (RUNTIME_DIRECTORY), in `/run/crystal-monitor` where this user may
    write there, else in the user's own runtime folder (XDG_RUNTIME_DIR), else in a folder of the user's under the
    temporary files. Every process of one user finds the same.
    """
    unit = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    user = os.environ.get("XDG_RUNTIME_DIR", "")
    if unit.startswith("/"):
        folder = Path(unit)
    elif os.access(SYSTEM_FOLDER, os.W_OK | os.X_OK):
        folder = SYSTEM_FOLDER
    elif user.startswith("/") and os.access(user, os.W_OK | os.X_OK):
        folder = Path(user) / "crystal-monitor"
    else:
        folder = Path(tempfile.gettempdir()) / f"crystal-monitor-{os.getuid()}"
    return f"{IPC_PREFIX}{folder}/frames.ipc"


class StreamSettings(SettingsModel):
    """Frames from the grabber to the analysis."""

    endpoint: str = Field(default_factory=default_endpoint)
    """Where the grabber serves its frames: `ipc://` and the absolute path of a socket, at most 107 bytes long. If not
    given: `frames.ipc` in the unit's runtime folder, in `/run/crystal-monitor`, or in the user's runtime folder."""
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
        if not endpoint.startswith(IPC_PREFIX + "/"):
            raise ValueError(
                f"the endpoint {endpoint!r} is no absolute ipc address: write ipc:// and an absolute path, "
                "such as ipc:///run/crystal-monitor/frames.ipc"
            )
        length = len(endpoint.removeprefix(IPC_PREFIX).encode())
        if length > IPC_PATH_LIMIT_BYTES:
            raise ValueError(
                f"the endpoint's path {endpoint!r} is {length} bytes long, a socket's may have "
                f"{IPC_PATH_LIMIT_BYTES}: choose a shorter folder"
            )
        return endpoint
