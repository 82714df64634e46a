"""Stage latencies of a station on this machine: its settings and code, and a database beside its own, for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2

from monitor.analysis import Progress, replay
from monitor.clock import Clock
from monitor.errors import SourceError
from monitor.metrics.counting import STAGES, WHOLE
from monitor.service.simulated_run import preset
from monitor.settings.simulation import SimulationSettings
from monitor.settings.station import StationSettings
from monitor.simulation import SimulatedMicroscope
from monitor.source import ReplaySource
from monitor.store import locate

WARM_UP_FRAMES = 3
"""The first frames compile, and do not count."""
_SIMULATED_FROM_S = 900.0
_SIMULATED_STEP_S = 10.0
_INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True)
class StageTimes:
    """One stage over all frames that count, seconds."""

    median_s: float
    p95_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class BenchResult:
    """What was measured."""

    frames: int
    """Frames that count."""
    width_px: int
    """Columns of a frame."""
    height_px: int
    """Rows of a frame."""
    crystals: float
    """Median number of crystals in view."""
    backend: str
    """What ran last."""
    frames_per_s: float
    """One over the median time of a whole frame: what the analysis can do at most."""
    stages: Mapping[str, StageTimes]
    """By the metrics' names; `frame` is the whole, from its taking to its commit."""


def run_bench(
    settings: StationSettings,
    clock: Clock,
    stop: threading.Event,
    *,
    frames: int,
    size_px: tuple[int, int],
    images: Path | None,
    tell: Callable[[int], None],
) -> BenchResult:
    """Replay so many frames through the station's code.

    Args:
        settings: of the station; database, archive, sinks, metrics and camera are not touched.
        clock: where the time comes from.
        stop: set to give up.
        frames: that count; some more are done first.
        size_px: width and height of simulated frames.
        images: folder or video in place of simulated frames; at most `frames` of them count.
        tell: called with the number of frames done.

    Raises:
        UserError: nothing to replay, an engine that cannot be used.
    """
    progresses: list[Progress] = []

    def see(progress: Progress) -> None:
        progresses.append(progress)
        tell(len(progresses))
        if len(progresses) >= frames + WARM_UP_FRAMES:
            stop.set()

    path = locate(settings.storage.database).path
    beside = path.parent if path is not None and path.parent.is_dir() else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="crystal-bench-", dir=beside)))
        if images is None:
            images = folder / "frames"
            _render(images, frames + WARM_UP_FRAMES, size_px)
        source = ReplaySource(
            images, clock, interval_s=settings.analysis.interval_s or _INTERVAL_S, um_per_px=0.5
        )
        replay(_apart(settings, folder), source, clock, stop, observers=(see,))
    return _result(progresses[WARM_UP_FRAMES:])


def _render(folder: Path, count: int, size_px: tuple[int, int]) -> None:
    folder.mkdir()
    simulation: SimulationSettings = preset("demo", 1).model_copy(
        update={"width_px": size_px[0], "height_px": size_px[1]}
    )
    microscope = SimulatedMicroscope(simulation)
    for number in range(count):
        image_HW = microscope.render_only(_SIMULATED_FROM_S + _SIMULATED_STEP_S * number)
        cv2.imwrite(str(folder / f"{number:05d}.png"), image_HW)


def _apart(settings: StationSettings, folder: Path) -> StationSettings:
    """The same station with a database of its own, no archive, and nobody who is told."""
    storage = settings.storage.model_copy(
        update={
            "database": f"sqlite:///{folder / 'bench.sqlite'}",
            "archive": settings.storage.archive.model_copy(update={"folder": None}),
        }
    )
    analysis = settings.analysis.model_copy(update={"interval_s": 0.0, "run_name": "bench"})
    alerts = settings.alerts.model_copy(update={"sinks": ()})
    return settings.model_copy(update={"storage": storage, "analysis": analysis, "alerts": alerts})


def _result(progresses: list[Progress]) -> BenchResult:
    seen = [progress for progress in progresses if progress.last is not None]
    last = seen[-1].last if seen else None
    if last is None:
        raise SourceError(f"too few frames: more than {WARM_UP_FRAMES} are needed, the first do not count")
    stages = {
        shown: _times([progress.stages_s[name] for progress in seen if name in progress.stages_s])
        for name, shown in {**STAGES, WHOLE: WHOLE}.items()
        if any(name in progress.stages_s for progress in seen)
    }
    return BenchResult(
        frames=len(seen),
        width_px=last.width_px or 0,
        height_px=last.height_px or 0,
        crystals=median([progress.last.count or 0 for progress in seen if progress.last is not None]),
        backend=last.backend or "none",
        frames_per_s=1 / stages[WHOLE].median_s,
        stages=stages,
    )


def _times(seconds: list[float]) -> StageTimes:
    ordered = sorted(seconds)
    return StageTimes(
        median(ordered), ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))], ordered[-1]
    )
