"""Stills: images without a time, segmented and measured one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import ModelCard
from monitor.analysis.segmenting import open_segmenter
from monitor.errors import SourceError
from monitor.footage import StillReader
from monitor.frame import Image
from monitor.measure import measure
from monitor.records import Observation
from monitor.settings.station import StationSettings


@dataclass(frozen=True, slots=True, eq=False)
class SegmentedStill:
    """One image with its crystals."""

    image: Image
    """As it was read: (H, W) grey or (H, W, 3) RGB."""
    labels_HW: NDArray[np.int32]
    """One label for each crystal, 0 is background."""
    observations: tuple[Observation, ...]
    """Measured crystals, ordered by label."""
    backend: str
    """Back end that ran."""
    page: int = 0
    """Page of a file with several, from 1; 0 for a file with one image."""
    left_out: str = ""
    """How many bodies were found and left out, and why, in the user's terms; empty where none was."""


def segment_stills(
    files: Sequence[Path], settings: StationSettings, um_per_px: float | None
) -> Iterator[tuple[Path, SegmentedStill | SourceError]]:
    """Segment and measure each file; a file that is no image yields the error instead, and the rest go on.

    Raises SettingsError where the engine cannot start.
    """
    segmenter = open_segmenter(settings)
    reader = StillReader(None)
    for path in files:
        stills = reader.read(path)
        for number, still in enumerate(stills, 1):
            if still.image is None:
                yield path, SourceError(still.reason)
                continue
            found = segmenter.segment(still.image)
            observations = measure(
                found.labels_HW, found.probability_HW, found.scores, um_per_px, settings.measuring
            )
            yield (
                path,
                SegmentedStill(
                    still.image,
                    found.labels_HW,
                    observations,
                    found.backend,
                    number if len(stills) > 1 else 0,
                    _left_out(found.dropped, segmenter.card),
                ),
            )


def _left_out(count: int, card: ModelCard) -> str:
    if not count:
        return ""
    limits = card.thresholds
    return (
        f"{count} {'body' if count == 1 else 'bodies'} left out: smaller than {limits.minimal_area_px} px², or with a "
        f"mean probability below {limits.minimal_score:g} (minimal_area_px and minimal_score in "
        f"{card.folder / card.name}.json; --model names a copy with others, beside the weights)"
    )
