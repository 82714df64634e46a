"""From the analysis to its metrics: who is asked for what, and the observer that counts every commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from engine import Segmenter
from monitor.analysis.loop import Observer, Progress
from monitor.analysis.store_figures import StoreWatch
from monitor.clock import Clock
from monitor.metrics import EngineFigures, MetricsServer, StationIdentity, StationMetrics, StreamFigures
from monitor.settings.station import StationSettings
from monitor.source import FrameSource, LossReason
from monitor.version import __version__


@contextmanager
def serving_metrics(
    settings: StationSettings, clock: Clock, engine: Segmenter, source: FrameSource
) -> Iterator[Observer]:
    """Serve metrics where the settings say, until the end of the `with` block; the observer counts for them.

    Raises SettingsError: an address, token or certificate that cannot be used.
    """
    identity = StationIdentity(
        station=settings.name,
        version=__version__,
        camera=settings.camera.kind,
        policy=settings.stream.policy.value,
        model=engine.card.name,
        weights_sha256=engine.card.safetensors_sha256,
        interval_s=settings.analysis.interval_s,
    )
    sinks = [sink.name for sink in settings.alerts.sinks]
    every_s = settings.metrics.store_every_s
    with StoreWatch(settings.storage.database, every_s, settings.name, sinks) as store:
        metrics = StationMetrics(clock, identity, lambda: _stream_figures(source), store.figures)
        with MetricsServer(settings.metrics, metrics.registry):
            metrics.see_engine(_engine_figures(engine))
            yield _observer(metrics, engine, store)


def _observer(metrics: StationMetrics, engine: Segmenter, store: StoreWatch) -> Callable[[Progress], None]:
    def observe(progress: Progress) -> None:
        run, committed = progress.run, progress.committed
        if run is None or committed is None:
            return
        store.follow(run.run_id)
        if progress.silence is not None:
            metrics.see_silence(run, progress.silence, committed)
        elif progress.last is not None:
            metrics.see_frame(run, progress.last, committed, progress.stages_s)
            metrics.see_engine(_engine_figures(engine))

    return observe


def _engine_figures(engine: Segmenter) -> EngineFigures:
    return EngineFigures(engine.describe, engine.condition.degraded)


def _stream_figures(source: FrameSource) -> StreamFigures:
    statistics = source.statistics
    counts = statistics.grabber
    return StreamFigures(
        heard=counts is not None,
        camera_running=statistics.camera_running,
        behind=statistics.behind,
        sessions=statistics.sessions,
        malformed=statistics.malformed,
        lost={reason.value: statistics.lost_by_reason[reason.value] for reason in LossReason},
        grabber=asdict(counts) if counts is not None else {},
    )
