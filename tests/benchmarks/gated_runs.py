"""The same frames through the analysis with and without a change gate: for the accuracy tests and the bench."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine import ChangeGate, Segmentation, Segmenter
from monitor.analysis import FieldPipeline
from monitor.analysis.restoring import fresh_state
from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.frame import Frame, TimeSource
from monitor.records import BirthKind, EndReason, FrameResult, RunState
from monitor.settings.loading import load_settings
from monitor.settings.simulation import SimulationSettings
from monitor.simulation import SimulatedMicroscope

Image = NDArray[np.uint8] | NDArray[np.uint16]
Timed = tuple[float, Image]


@dataclass
class Counting:
    """A segmenter that keeps count of its tiles."""

    engine: Segmenter
    tiles: int = 0
    inferred: int = 0

    def segment(self, image: Image, *, stream: str = "main", at_s: float | None = None) -> Segmentation:
        """As the engine's."""
        found = self.engine.segment(image, stream=stream, at_s=at_s)
        self.tiles += found.tiles
        self.inferred += found.tiles - len(found.kept_xywh_px)
        return found

    def forget(self, stream: str | None = None) -> None:
        """As the engine's."""
        self.engine.forget(stream)


@dataclass
class Watched:
    """What the analysis told of a run."""

    results: list[FrameResult] = field(default_factory=list)
    saved: float = 0.0
    """Share of tiles that were not inferred, 0 to 1."""

    def areas(self) -> dict[int, dict[float, float]]:
        """Area, px², of each confirmed crystal at each moment, carried values included."""
        found: dict[int, dict[float, float]] = defaultdict(dict)
        for result in self.results:
            for point in result.tracker.updated if result.tracker else ():
                if point.confirmed:
                    found[point.crystal_id][result.elapsed_s] = point.observation.area_px
        return found

    def births(self) -> dict[BirthKind, int]:
        """Confirmed trails by how they began."""
        counts: dict[BirthKind, int] = defaultdict(int)
        for result in self.results:
            for birth in result.tracker.born if result.tracker else ():
                counts[birth.kind] += 1
        return dict(counts)

    def entangled(self) -> set[int]:
        """Crystals that fused, for good or for a moment, or fell into pieces, and what came of that."""
        found: set[int] = set()
        for result in self.results:
            step = result.tracker
            if step is None:
                continue
            found |= {end.crystal_id for end in step.ended if end.reason is EndReason.MERGED}
            found |= {end.merged_into for end in step.ended if end.merged_into is not None}
            found |= {
                birth.crystal_id for birth in step.born if birth.kind in (BirthKind.MERGED, BirthKind.SPLIT)
            }
            found |= {birth.split_from for birth in step.born if birth.split_from is not None}
        return found

    def states(self) -> list[RunState]:
        """The field's state after each frame."""
        return [result.completion.state for result in self.results if result.completion is not None]

    def total_px(self) -> NDArray[np.float64]:
        """Total area of each frame, px²."""
        return np.array([result.total_area_px or 0.0 for result in self.results])


def watch(frames: Iterable[Timed], gate: ChangeGate | None, um_per_px: float | None = None) -> Watched:
    """Take every frame through the pipeline of one field."""
    counting = Counting(Segmenter(threads=1, gate=gate))
    settings = load_settings(None)
    pipeline = FieldPipeline("main", settings, counting, fresh_state(settings))
    watched = Watched()
    for index, (elapsed_s, image) in enumerate(frames):
        image.flags.writeable = False
        captured = Instant(round(elapsed_s * NANOSECONDS_PER_SECOND))
        frame = Frame(image, "5" * 32, index, captured, TimeSource.INTERVAL, um_per_px=um_per_px)
        watched.results.append(pipeline.consider(frame, elapsed_s))
    watched.saved = 1 - counting.inferred / max(counting.tiles, 1)
    counting.engine.close()
    return watched


def simulated(settings: SimulationSettings, times_s: Iterable[float]) -> Iterator[Timed]:
    """Frames of a simulated run."""
    scope = SimulatedMicroscope(settings)
    for elapsed_s in times_s:
        yield float(elapsed_s), scope.render_only(float(elapsed_s))


def filmed(folder: Path, times_s: Iterable[float]) -> Iterator[Timed]:
    """Frames of a folder of images, in order of their names."""
    for path, elapsed_s in zip(sorted(folder.iterdir()), times_s, strict=False):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert image is not None, path
        yield float(elapsed_s), np.asarray(image)


@dataclass(frozen=True)
class Difference:
    """How a gated run differs from one without, over the same frames; relative differences of areas."""

    total: NDArray[np.float64]
    """Total area, moment by moment."""
    crystal: NDArray[np.float64]
    """Each crystal's area, averaged over the moments at which both runs have it."""
    lag: NDArray[np.float64]
    """Each crystal at each moment."""
    noise: NDArray[np.float64]
    """From one moment to the next, each crystal in the run without a gate: what camera noise alone does."""
    strangers: int
    """Points of either run without a counterpart under the same crystal number."""
    strangers_apart: int
    """The same without the crystals that either run fused or split: whether two that touch are told apart hangs on the
    noise of the frame."""
    points: int
    """Points of the run without a gate."""
    entangled: int
    """Crystals that either run fused or split."""


def difference(gated: Watched, plain: Watched) -> Difference:
    """Compare two runs over the same frames."""
    one, other = gated.areas(), plain.areas()
    lag, noise, crystal = [], [], []
    strangers = apart = 0
    entangled = gated.entangled() | plain.entangled()
    for number in one.keys() | other.keys():
        here, there = one.get(number, {}), other.get(number, {})
        unpaired = len(here.keys() ^ there.keys())
        strangers += unpaired
        apart += unpaired if number not in entangled else 0
        both = sorted(here.keys() & there.keys())
        if not both:
            continue
        gated_T, plain_T = (np.array([areas[at] for at in both]) for areas in (here, there))
        lag.append(gated_T / plain_T - 1)
        crystal.append(gated_T.mean() / plain_T.mean() - 1)
        noise.append(np.diff(plain_T) / plain_T[1:])
    totals, plain_totals = gated.total_px(), plain.total_px()
    seen = plain_totals > 0
    return Difference(
        total=totals[seen] / plain_totals[seen] - 1,
        crystal=np.array(crystal),
        lag=np.concatenate(lag),
        noise=np.concatenate(noise),
        strangers=strangers,
        strangers_apart=apart,
        points=sum(len(areas) for areas in other.values()),
        entangled=len(entangled),
    )
