"""The real analysis loop over a real store, fed by a script and with an engine that finds what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import zmq
from numpy.typing import NDArray

from engine import Segmentation
from monitor.alerts.backoff import Backoff
from monitor.alerts.sinks import AlertPost, AlertSink, CourierOrders
from monitor.analysis import AnalysisLoop, CommandServer, Observer, Waiting
from monitor.analysis.emitting import Emitter
from monitor.analysis.fields import Fields
from monitor.analysis.runs import Provenance, RunKeeper
from monitor.clock import Clock, Instant, SystemClock
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.records.delivery import Subscription
from monitor.settings.station import StationSettings
from monitor.source import Notice, NoticeKind, Received
from monitor.source.statistics import SourceStatistics
from monitor.store import Flood, SqlTrailStore, open_store

SESSION = "5" * 32
ORDERS = CourierOrders(Backoff(0.05, 0.2), 3600.0)
PROVENANCE = Provenance("none", "0" * 64, "{}", "nothing", None)

Step = Frame | FailedFrame | Notice | Callable[[], object] | None


class Nothing:
    """An engine that sees an empty field."""

    def forget(self, stream: str | None = None) -> None: ...

    def segment(
        self,
        image: NDArray[np.uint8] | NDArray[np.uint16],
        *,
        stream: str = "main",
        at_s: float | None = None,
    ) -> Segmentation:
        shape = image.shape[:2]
        return Segmentation(np.zeros(shape, np.int32), np.zeros(shape, np.float32), {}, "nothing", {}, 0)


class ScriptedSource:
    """A `FrameSource` that gives what the script says; a callable in it is called, None is a wait in vain."""

    def __init__(self, script: Iterable[Step]) -> None:
        self._script = iter(script)
        self.finished = False
        self.statistics = SourceStatistics()

    def open(self) -> None: ...

    def close(self) -> None: ...

    def next(self, timeout_s: float) -> Received | None:
        for step in self._script:
            if step is None:
                return None
            if callable(step):
                step()
                continue
            return Received(step)
        self.finished = True
        return None


def frame(index: int, captured: Instant, name: str = "main", session: str = SESSION) -> Frame:
    """A grey picture with some texture, another in every frame."""
    image = np.random.default_rng(index).integers(90, 160, (64, 64)).astype(np.uint8)
    image.flags.writeable = False
    return Frame(image, session, index, captured, TimeSource.CAMERA, field=name)


def notice(kind: NoticeKind, at: Instant, message: str = "") -> Notice:
    return Notice(kind, SESSION, at, message or kind.value, "scripted")


@dataclass
class Scripted:
    """What a test may look at."""

    loop: AnalysisLoop
    keeper: RunKeeper
    fields: Fields
    store: SqlTrailStore
    database: str
    control: str = field(default="")
    emitter: Emitter | None = None

    def emitter_step(self) -> None:
        """What the loop does for alerts between two frames."""
        assert self.emitter is not None
        self.emitter.deliver(self.keeper.run)


@contextmanager
def scripted(
    folder: Path,
    script: Iterable[Step],
    *,
    settings: StationSettings | None = None,
    clock: Clock | None = None,
    control: Path | None = None,
    observers: Sequence[Observer] = (),
    waiting: Waiting | None = None,
    sinks: Mapping[str, AlertSink] | None = None,
) -> Iterator[Scripted]:
    """The loop, its store in `folder`; `control` is a folder for the control socket, None for none."""
    clock = clock or SystemClock()
    database = f"sqlite:///{folder / 'trails.sqlite'}"
    settings = settings or StationSettings.model_validate({"storage": {"database": database}})
    store = open_store(database)
    keeper = RunKeeper(store, settings, clock, lambda: PROVENANCE)
    fields = Fields(settings, Nothing(), store)
    post = AlertPost({name: (sink, ORDERS) for name, sink in (sinks or {}).items()}, clock)
    subscriptions = [Subscription(name, summarise=False) for name in sinks or {}]
    outbox, _gone = store.open_outbox(clock, settings.name, subscriptions, Flood(0, 60.0))
    emitter = Emitter(outbox, post, settings.alerts.delivery, clock)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    endpoint = f"ipc://{control / 'control.ipc'}" if control is not None else ""
    commands = CommandServer(context, endpoint, fields) if control is not None else None
    observers = (*observers, emitter.observe)
    loop = AnalysisLoop(
        settings, clock, ScriptedSource(script), keeper, fields, emitter, commands, observers, waiting
    )
    try:
        yield Scripted(loop, keeper, fields, store, database, endpoint, emitter)
    finally:
        if commands is not None:
            commands.close()
        context.term()
        emitter.close()
        store.close()
