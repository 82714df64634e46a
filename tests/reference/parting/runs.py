"""Runs: stretches of one value along a row, far fewer than pixels, so that sums over bodies are cheap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """R runs of an image, each within one row, in the order of the pixels; positions are flat, row by row."""

    starts: Positions
    """First pixel of each run."""
    stops: Positions
    """First pixel after it."""

    def __getitem__(self, chosen: npt.NDArray[np.bool_]) -> Runs:
        """The runs chosen by a mask of length R."""
        return Runs(self.starts[chosen], self.stops[chosen])

    @property
    def lengths(self) -> Positions:
        """Pixels of each run."""
        return self.stops - self.starts

    def pixels(self) -> Positions:
        """Positions of all pixels of the runs, run by run."""
        lengths = self.lengths
        ends = np.cumsum(lengths)
        if not len(ends):
            return np.empty(0, np.intp)
        return np.arange(ends[-1]) + np.repeat(self.starts - ends + lengths, lengths)


def find_runs(image_HW: npt.NDArray[np.uint8]) -> Runs:
    """Split a contiguous image (H, W) into runs, the background's among them."""
    flat = image_HW.ravel()
    begins = np.empty(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[:: image_HW.shape[1]] = True
    starts = np.flatnonzero(begins)
    return Runs(starts, np.append(starts[1:], flat.size))
