"""Crops of a set too large to be held in memory: images are read when their turn comes."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from train.errors import TrainingError
from train.frame_crops import FrameCrops

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from train.data.item import Item
    from train.frame_crops import Zoom

    Frame = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]

HELD = 64
"""Images that are kept in memory."""


class ItemCrops:
    """Crops of labelled items, each item as likely as every other."""

    def __init__(self, items: Sequence[Item], zoom: Zoom) -> None:
        """Take items; raises `TrainingError` where there is none with labels."""
        self._items = [item for item in items if item.read_labels is not None]
        if not self._items:
            raise TrainingError("no image of the set has labels: nothing can be learned from it")
        self._zoom = zoom
        self._held: OrderedDict[int, Frame] = OrderedDict()

    def crop(self, rng: np.random.Generator, side_px: int) -> Frame:
        """A square of an image, magnified to image and labels (side, side); an image smaller than that is enlarged."""
        return FrameCrops([self._frame(int(rng.integers(len(self._items))))], self._zoom).crop(rng, side_px)

    def _frame(self, number: int) -> Frame:
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        frame = self._items[number].pair()
        self._held[number] = frame
        if len(self._held) > HELD:
            self._held.popitem(last=False)
        return frame
