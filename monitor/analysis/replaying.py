"""Replay: a folder of images or a video through the daemon's own loop, none lost, into a run of its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from monitor.analysis.loop import Observer
from monitor.analysis.opening import open_analysis
from monitor.clock import Clock
from monitor.errors import EngineLostError, SourceError
from monitor.settings.station import StationSettings
from monitor.source import ReplaySource


def replay(
    settings: StationSettings,
    source: ReplaySource,
    clock: Clock,
    stop: threading.Event,
    observers: Sequence[Observer] = (),
) -> int:
    """Replay `source` into a new run of the settings' database and end the run; returns its number.

    `observers` are called after every commit, in this thread.

    Raises UserError: nothing to replay, a database or engine that cannot be used.
    """
    settings = settings.model_copy(
        update={"analysis": settings.analysis.model_copy(update={"resume": False})}
    )
    with open_analysis(settings, clock, source=source, observers=observers) as analysis:
        try:
            analysis.loop.run(stop)
        except EngineLostError:
            analysis.loop.end_run("the engine was lost, and the settings say to stop then", stop)
            raise
        run = analysis.keeper.run
        if run is None:
            raise SourceError(f"{source.camera}: no frame was replayed")
        analysis.loop.end_run("the replay was stopped" if stop.is_set() else "the replay is over", stop)
        return run.run_id
