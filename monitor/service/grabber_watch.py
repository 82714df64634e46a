"""The grabber under a service manager's watchdog, which is fed by frames, and by attempts to open the camera.

An attempt counts when it came to an end, whichever: a camera that is unplugged is tried again and again by the same
process. A driver that hangs proves nothing, and the process is started again.
"""

from __future__ import annotations

from monitor.clock import Clock, Instant
from monitor.grabber import Sight
from monitor.service.clock_time import clock_time
from monitor.service.notifier import ServiceNotifier
from monitor.settings.service import INTERVALS
from monitor.settings.station import StationSettings

_TELL_EVERY_S = 1.0
"""The manager is told no more often than this, seconds."""
_PACE_S = 10.0
"""Frames per second are those of the last ten to twenty seconds."""


class GrabberWatch:
    """Tells the manager of the grabber's frames and attempts; its `Watch`."""

    def __init__(self, notifier: ServiceNotifier, settings: StationSettings, clock: Clock) -> None:
        """The manager hears nothing before the first sight."""
        self._notifier = notifier
        self._clock = clock
        self._limit_s = _camera_limit_s(settings)
        self._ready = False
        self._proofs = (-1, -1)
        self._told: Instant | None = None
        self._lost: Instant | None = None
        self._paced: tuple[Instant, int] | None = None

    def see(self, sight: Sight) -> None:
        """See `monitor.grabber.Watch`."""
        now = self._clock.now()
        if sight.camera_running:
            self._lost = None
        elif self._lost is None:
            self._lost = now
        if not self._ready:
            self._ready = True
            self._notifier.ready(self._line(sight, now))
            self._notifier.limit(self._limit_s)
        if self._told is not None and now.seconds_since(self._told) < _TELL_EVERY_S:
            return
        proofs = (sight.frames, sight.attempts)
        if proofs != self._proofs or sight.may_be_quiet:
            self._proofs = proofs
            self._notifier.progress()
        self._notifier.status(self._line(sight, now))
        self._told = now

    def _line(self, sight: Sight, now: Instant) -> str:
        if self._lost is not None:
            self._paced = None
            since = clock_time(self._lost.utc, now.utc)
            return f"{sight.camera} · lost since {since}, attempt {sight.attempts} · {sight.trouble}"
        if not sight.frames:
            return f"{sight.camera} · waiting for the first frame"
        if self._paced is None or now.seconds_since(self._paced[0]) < _PACE_S:
            self._paced = self._paced or (now, sight.frames)
            return f"{sight.camera} · gives frames"
        began, frames = self._paced
        per_s = (sight.frames - frames) / now.seconds_since(began)
        if now.seconds_since(began) >= 2 * _PACE_S:
            self._paced = (now.after(-_PACE_S), round(sight.frames - per_s * _PACE_S))
        return f"{sight.camera} · {per_s:.2g} frames/s · {sight.frames:,} frames"


def _camera_limit_s(settings: StationSettings) -> float:
    """Longest time that a live camera which works, or is lost and tried again, lets pass without a proof, seconds."""
    frames_per_s = getattr(settings.camera, "frames_per_s", None)
    period_s = 1 / frames_per_s if frames_per_s else 0.0
    return max(
        settings.service.camera_patience_s, INTERVALS * max(settings.stream.reconnect_longest_s, period_s)
    )
