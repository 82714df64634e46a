"""`DaemonStatus`: how the analysis process says that it stands."""

from __future__ import annotations

from monitor.settings.base import SettingsModel


class DaemonStatus(SettingsModel):
    """How the analysis process stands; JSON on the control socket."""

    station: str
    """Name of the station."""
    database: str = ""
    """Its database, without a password."""
    version: str
    """Version of Crystal Monitor that runs."""
    process: int
    """Its process number."""
    started_at: str
    """When it was started, ISO 8601 in UTC."""
    run_id: int | None
    """The open run; None before its first frame."""
    frames: int
    """Frames that this process committed."""
    since_frame_s: float | None
    """Seconds since the last commit of a frame; None before the first."""
    since_commit_s: float | None
    """Seconds since the last commit of any kind; None before the first."""
    frame_age_s: float | None
    """Age of the last frame when its analysis began, seconds."""
    frame_s: float | None
    """Time that the last frame took, seconds."""
    backend: str
    """What serves the inference."""
    degraded: bool
    """Whether a back end that should serve does not."""
    engine: str
    """What runs, and what is missing and why."""
    grabber_heard: bool
    """Whether a grabber was heard."""
    camera_running: bool | None
    """Whether the camera gives frames; None while no grabber is heard."""
    lost: dict[str, int]
    """Frames that were never considered since this process began, by cause."""
    waiting_for: str = ""
    """What it waits for, where the store takes nothing; empty where it does."""
