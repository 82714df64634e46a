"""The gate itself: run a candidate over the frames, judge it, and remember that it passed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.backends.contract import SegmentationBackend
from engine.card import ModelCard
from engine.errors import ParityError
from engine.parity.agreement import ParityFigures, compare
from engine.parity.frames import ParityFrames
from engine.parity.verdicts import Verdicts
from engine.preprocess import preprocess

log = logging.getLogger(__name__)


class ParityGate:
    """The gate of one model. May be used by several threads, each with its own back end."""

    def __init__(self, card: ModelCard, cache: Path | None = None) -> None:
        """Verdicts are kept in `cache`; None judges every back end at every start."""
        self._card = card
        self._verdicts = Verdicts(cache)

    def check(self, backend: SegmentationBackend, *, identity: str = "", anew: bool = False) -> ParityFigures:
        """Let a back end show that it computes what the fp32 reference computes; give the figures.

        A back end that passed before on this machine, of the same weights, versions and processor, is not run
        again, unless `anew`. `identity` is what else makes it another one, such as the hash of its engine file.
        Raises ParityError with the figures, BackendError where it fails at all, CardError or
        WeightsMismatchError where the model has no parity frames of its own.
        """
        described = backend.describe()
        limits = self._card.parity_limits_of(described)
        key = self._verdicts.key(self._card, described, identity, limits)
        if not anew:
            remembered = self._verdicts.recall(key)
            if remembered is not None:
                return remembered
        figures = self.measure(backend)
        failures = figures.failures(limits)
        if failures:
            raise ParityError(
                f"The back end {described} does not compute what the reference computes: {', '.join(failures)}, over "
                f"{figures.crystals} crystals. It does not serve. Empty the folder for compiled models; where that "
                "does not help, name another back end or precision, and report it with this machine's processor, "
                "card and driver. (After a change of pre-processing or weights: `python -m train parity`.)"
            )
        log.info("%s passed the parity gate: %s", described, figures)
        self._verdicts.remember(key, described, figures)
        return figures

    def measure(self, backend: SegmentationBackend) -> ParityFigures:
        """Run the frames through a back end and compare, without judging."""
        frames = ParityFrames.load(self._card)
        return compare(_pairs(frames, backend), self._card.outputs, self._card.thresholds)


def _pairs(
    frames: ParityFrames, backend: SegmentationBackend
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    for image_HW, reference_CHW in frames:
        found_BCHW = backend.infer(preprocess(image_HW)[None, None])
        if found_BCHW.shape[1:] != reference_CHW.shape or found_BCHW.dtype != np.float32:
            raise ParityError(
                f"The back end {backend.describe()} gives {found_BCHW.dtype} {found_BCHW.shape} where the reference "
                f"gives float32 {(1, *reference_CHW.shape)}. It does not serve."
            )
        yield reference_CHW, found_BCHW[0]
