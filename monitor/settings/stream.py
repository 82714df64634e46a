"""Settings of the frame stream between the grabber process and the analysis process."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, PositiveFloat, field_validator

from monitor.settings.base import SettingsModel

IPC_PREFIX = "ipc://"
IPC_PATH_LIMIT_BYTES = 107
"""Longest path of a Unix socket on Linux (sun_path holds 108 bytes, one of them the closing zero)."""


class StreamPolicy(StrEnum):
    """What happens to frames that the analysis is too slow for."""

    LATEST = "latest"
    """Live: the analysis always gets the newest frame; those it had no time for are counted as superseded."""
    LOSSLESS = "lossless"
    """The camera waits for the analysis; nothing is lost."""


class StreamSettings(SettingsModel):
    """Frames from the grabber to the analysis."""

    endpoint: str = "ipc:///run/crystal-monitor/frames.ipc"
    """Where the grabber serves its frames: `ipc://` and the absolute path of a socket, at most 107 bytes
    long."""
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
