"""Change-gated inference: only the tiles that changed since they were inferred go through the network again.

One `GatedField` remembers one stream of frames (a field under one camera): of each tile the probabilities,
and the image that they were inferred from. Tiles are those of the engine without a gate, so a frame that is
inferred whole comes out the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.tile_comparison import BLOCK_PX, TileReference, Tolerances, halved
from engine.tiling import Axis, FloatImage, Inference, Window, pad, windows

Box = tuple[int, int, int, int]
"""First column, first row, width, height, px."""

NEAR_PX = 2
"""A crystal belongs to the tiles that its bounding box, widened by this, touches."""


@dataclass(frozen=True)
class ChangeGate:
    """What counts as no change, and for how long that is believed."""

    max_age_s: float = 30.0
    """A frame is inferred whole as soon as a tile would be older than this, seconds."""
    tile_px: int | None = None
    """Largest side of a tile, px; None takes the engine's own tiles."""
    tolerances: Tolerances = field(default_factory=Tolerances)
    """What light, noise and vibration may do to a tile that did not change."""


@dataclass(frozen=True)
class GatedInference:
    """Probabilities of one frame, and how old they are."""

    probability_CHW: FloatImage
    """Calibrated probabilities (C, H, W) float32; the very array of the call before where nothing was inferred.
    Never written to again."""
    kept_xywh_px: tuple[Box, ...]
    """Windows of the tiles that were not inferred in this call; empty where all were."""
    inferred_since_s: float | None
    """No pixel's probability was inferred before this time, seconds; None: all in this call."""
    tiles: int
    """Tiles of the frame."""
    changed: int
    """How many of them differ from the image they were inferred from."""

    @property
    def inferred(self) -> int:
        """How many tiles went through the network."""
        return self.tiles - len(self.kept_xywh_px)


@dataclass
class _Tile:
    """A tile, its probabilities and what they came from."""

    window: Window
    image_HW: FloatImage
    inferred_s: float
    probability_CHW: FloatImage | None = None
    reference: TileReference | None = None

    def infer(self, padded_HW: FloatImage, at_s: float, infer: Inference) -> None:
        """Put the tile of this frame in the place of the one before."""
        image_HW = np.ascontiguousarray(padded_HW[self.window.rows, self.window.columns])
        found_CHW = infer(image_HW[None, None])[0]
        if self.probability_CHW is None:
            self.probability_CHW = found_CHW.copy()
        else:
            np.copyto(self.probability_CHW, found_CHW)
        self.image_HW, self.inferred_s, self.reference = image_HW, at_s, None

    def changed_blocks(
        self, padded_HW: FloatImage, crystal: int, limits: Tolerances
    ) -> npt.NDArray[np.bool_] | None:
        """Which blocks changed, None where none did; the reference is made when it is first needed."""
        if self.reference is None:
            assert self.probability_CHW is not None  # a tile is inferred before it is compared
            self.reference = TileReference(self.image_HW, self.probability_CHW[crystal])
        verdict = self.reference.compare(halved(padded_HW[self.window.rows, self.window.columns]), limits)
        return verdict.blocks if verdict.changed else None


class GatedField:
    """The memory of one stream of frames. Belongs to one thread at a time."""

    def __init__(self, gate: ChangeGate, crystal: int) -> None:
        """Nothing is remembered yet; `crystal` is the channel of the crystals."""
        self._gate = gate
        self._crystal = crystal
        self._source: tuple[object, ...] = ()
        self._tiles: list[_Tile] = []
        self._blended_CHW: FloatImage | None = None
        self._known_CHW: FloatImage | None = None
        self._labels_HW: npt.NDArray[np.int32] | None = None

    def forget(self) -> None:
        """Infer the next frame whole."""
        self._known_CHW = None

    def see(self, labels_HW: npt.NDArray[np.int32]) -> None:
        """Take the crystals (H, W) that the last probabilities came to: one that changes is inferred whole."""
        self._labels_HW = labels_HW

    def infer(
        self, image_HW: FloatImage, at_s: float, axes: tuple[Axis, Axis], backend: str, infer: Inference
    ) -> GatedInference:
        """Probabilities of a normalised image (H, W) that was captured at `at_s` seconds.

        `backend` says what `infer` runs on: results of two back ends are never mixed. What it raises goes
        through, and the next frame is inferred whole.
        """
        source = (image_HW.shape, axes, backend)
        known_CHW, self._known_CHW = self._known_CHW, None
        padded_HW = pad(image_HW, axes)
        changed = 0
        if known_CHW is None or source != self._source or self._too_old(at_s):
            self._start(padded_HW, axes, source, at_s)
            due = set(range(len(self._tiles)))
        else:
            blocks = self._changed_blocks(padded_HW)
            changed = len(blocks)
            due = set(blocks) | self._tiles_of_changed_crystals(blocks)
        for number in sorted(due):
            self._tiles[number].infer(padded_HW, at_s, infer)
        if due or known_CHW is None:
            known_CHW = self._blend(sorted(due), image_HW.shape)
        self._known_CHW = known_CHW
        return GatedInference(
            probability_CHW=known_CHW,
            kept_xywh_px=tuple(
                tile.window.box_xywh_px for number, tile in enumerate(self._tiles) if number not in due
            ),
            inferred_since_s=min(tile.inferred_s for tile in self._tiles),
            tiles=len(self._tiles),
            changed=changed,
        )

    def _too_old(self, at_s: float) -> bool:
        return any(not 0 <= at_s - tile.inferred_s <= self._gate.max_age_s for tile in self._tiles)

    def _start(
        self, padded_HW: FloatImage, axes: tuple[Axis, Axis], source: tuple[object, ...], at_s: float
    ) -> None:
        """Make the tiles and their buffers, unless they are there."""
        if source != self._source or not self._tiles:
            self._tiles = [_Tile(window, padded_HW, at_s) for window in windows(axes)]
            self._blended_CHW = None
            self._source = source

    def _changed_blocks(self, padded_HW: FloatImage) -> dict[int, npt.NDArray[np.bool_]]:
        limits = self._gate.tolerances
        found = (tile.changed_blocks(padded_HW, self._crystal, limits) for tile in self._tiles)
        return {number: blocks for number, blocks in enumerate(found) if blocks is not None}

    def _tiles_of_changed_crystals(self, blocks: dict[int, npt.NDArray[np.bool_]]) -> set[int]:
        """All tiles that a crystal touches which lies on a changed block: it is inferred whole, or not at all."""
        if not blocks or self._labels_HW is None or len(blocks) == len(self._tiles):
            return set()
        touched = np.zeros(int(self._labels_HW.max(initial=0)) + 1, bool)
        for number, changed in blocks.items():
            window = self._tiles[number].window
            for row, column in np.argwhere(changed):
                top = window.rows.start + row * BLOCK_PX
                left = window.columns.start + column * BLOCK_PX
                touched[self._labels_HW[top : top + BLOCK_PX, left : left + BLOCK_PX]] = True
        touched[0] = False
        crystals = _boxes(self._labels_HW, touched)
        return {
            number
            for number, tile in enumerate(self._tiles)
            if any(_touches(tile.window, box) for box in crystals)
        }

    def _blend(self, due: Sequence[int], shape: tuple[int, ...]) -> FloatImage:
        """Blend anew where tiles were inferred: (C, H, W), a copy that stays as it is."""
        tiles = self._tiles
        if len(tiles) == 1:
            assert tiles[0].probability_CHW is not None  # it was just inferred
            return np.ascontiguousarray(tiles[0].probability_CHW[:, : shape[0], : shape[1]]).copy()
        if self._blended_CHW is None:
            last = tiles[-1]
            assert last.probability_CHW is not None  # all tiles were just inferred
            size = (len(last.probability_CHW), last.window.rows.stop, last.window.columns.stop)
            self._blended_CHW = np.empty(size, np.float32)
        blended_CHW = self._blended_CHW
        for number in due:
            window = tiles[number].window
            blended_CHW[:, window.rows, window.columns] = 0
            # In the order of the tiles, so that the sums are those of a frame that is blended whole.
            for other in tiles:
                assert other.probability_CHW is not None
                rows = _common(window.rows, other.window.rows)
                columns = _common(window.columns, other.window.columns)
                if rows is None or columns is None:
                    continue
                inside = (_within(rows, other.window.rows), _within(columns, other.window.columns))
                share_HW = other.window.weights_HW[inside]
                blended_CHW[:, rows, columns] += other.probability_CHW[:, inside[0], inside[1]] * share_HW
        return blended_CHW[:, : shape[0], : shape[1]].copy()


def _boxes(labels_HW: npt.NDArray[np.int32], wanted: npt.NDArray[np.bool_]) -> list[tuple[slice, slice]]:
    """Bounding boxes (rows, columns) of the wanted labels that are there."""
    at = np.flatnonzero(wanted[labels_HW])
    label = labels_HW.ravel()[at]
    limits = []
    for place in np.divmod(at, labels_HW.shape[1]):
        first, last = np.full(len(wanted), np.iinfo(np.int64).max), np.full(len(wanted), -1)
        np.minimum.at(first, label, place)
        np.maximum.at(last, label, place)
        limits.append((first, last))
    (top, bottom), (left, right) = limits
    return [
        (slice(int(top[n]), int(bottom[n]) + 1), slice(int(left[n]), int(right[n]) + 1))
        for n in np.flatnonzero(bottom >= 0)
    ]


def _touches(window: Window, box: tuple[slice, slice]) -> bool:
    rows = slice(box[0].start - NEAR_PX, box[0].stop + NEAR_PX)
    columns = slice(box[1].start - NEAR_PX, box[1].stop + NEAR_PX)
    return _common(window.rows, rows) is not None and _common(window.columns, columns) is not None


def _common(one: slice, other: slice) -> slice | None:
    start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return slice(start, stop) if start < stop else None


def _within(part: slice, whole: slice) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)
