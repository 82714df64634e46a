"""`StationMetrics`: all metrics of one analysis process, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics

from monitor.clock import Clock, Instant
from monitor.metrics.counting import FrameCounters
from monitor.metrics.figures import EngineFigures, StationIdentity, StoreFigures, StreamFigures
from monitor.metrics.glance import FieldGlance
from monitor.metrics.station_collector import StationCollector
from monitor.records import FrameResult
from monitor.records.run import Run, SilenceObserved


class StationMetrics:
    """Told of every commit by the loop's thread, at less than 50 µs each; read by scrapes in theirs."""

    def __init__(
        self,
        clock: Clock,
        identity: StationIdentity,
        stream: Callable[[], StreamFigures],
        store: Callable[[], StoreFigures],
    ) -> None:
        """`stream` and `store` are asked by every scrape, in its thread: they must not wait."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one line more for every line, and nobody asks for it
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._frames = FrameCounters(self.registry)
        self._station = StationCollector(clock, identity, stream, store)
        self.registry.register(self._station)

    def see_frame(
        self, run: Run, result: FrameResult, committed: Instant, stages_s: Mapping[str, float]
    ) -> None:
        """A frame was committed; `stages_s`: the analysis' times by its own names of the stages, seconds."""
        station = self._station
        station.committed = station.frame_committed = committed
        self._see_run(run)
        self._frames.count(result, stages_s)
        glance = station.fields.get(result.field)
        if glance is None:
            glance = station.fields[result.field] = FieldGlance()
        glance.see(result)

    def see_silence(self, run: Run, silence: SilenceObserved, committed: Instant) -> None:
        """A field's silence was committed."""
        self._station.committed = committed
        self._see_run(run)
        self._station.fields.setdefault(silence.field, FieldGlance()).completion = silence.completion

    def see_engine(self, engine: EngineFigures) -> None:
        """How the engine stands after the last frame."""
        self._station.engine = engine

    def _see_run(self, run: Run) -> None:
        before = self._station.run
        if before is None or before.run_id != run.run_id:
            self._station.fields.clear()  # a field of the run before says nothing of this one
        self._station.run = run
