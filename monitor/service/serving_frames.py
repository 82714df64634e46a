"""The grabber process as a service: it tells its service manager, where there is one, how it goes."""

from __future__ import annotations

import threading

from monitor.clock import Clock
from monitor.grabber import run_grabber
from monitor.service.grabber_watch import GrabberWatch
from monitor.service.notifier import notifying
from monitor.settings.station import StationSettings


def serve_frames(settings: StationSettings, clock: Clock, stop: threading.Event) -> None:
    """Grab until `stop` is set or the camera has no more frames.

    Ready once the endpoint is bound, with or without a camera that answers. Raises SourceError, CameraError.
    """
    with notifying() as notifier:
        watch = GrabberWatch(notifier, settings, clock)
        try:
            run_grabber(settings.camera, settings.stream, clock, stop, watch.see)
        finally:
            notifier.stopping()
