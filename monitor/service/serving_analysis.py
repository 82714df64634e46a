"""The analysis process as a service: it tells its service manager, where there is one, how it goes."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from monitor.analysis import open_analysis, run_analysis
from monitor.clock import Clock, Instant
from monitor.service.analysis_watch import AnalysisWatch
from monitor.service.notifier import notifying
from monitor.settings.station import StationSettings


def serve_analysis(
    settings: StationSettings, clock: Clock, stop: threading.Event, station_started: Instant | None = None
) -> None:
    """Analyse until `stop` is set or the camera has no more frames.

    Ready once engine, store and control socket are; `station_started`: see `open_analysis`. Raises UserError at the
    start, EngineLostError where the settings say so.
    """
    with notifying() as notifier, ExitStack() as stack:
        watch = AnalysisWatch(notifier, settings, clock)
        with notifier.starting("opens the store, makes the engine ready"):
            opening = open_analysis(
                settings,
                clock,
                observers=(watch.committed,),
                waiting=watch.waiting,
                station_started=station_started,
            )
            analysis = stack.enter_context(opening)
        stack.callback(notifier.stopping)
        watch.ready()
        run_analysis(analysis, stop)
