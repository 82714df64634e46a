"""Change-gated inference: only the tiles that changed since they were inferred go through the network again.

One `GatedField` remembers one stream of frames (a field under one camera): of each tile the probabilities,
and the image that they were inferred from. Tiles are those of the engine without a gate, so a frame that is
inferred whole comes out the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

    probability_CHW: Sequence[FloatImage]
    """Calibrated probabilities, an image (H, W) float32 for each channel. That of the crystals is never written to
    again, and is the very array of the call before where nothing was inferred; the others last until the next call."""
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
        self._blended_CHW: list[FloatImage] = []
        self._known = False
        self._labels_HW: npt.NDArray[np.int32] | None = None

    def forget(self) -> None:
        """Infer the next frame whole."""
        self._known = False

    def outlived(self, at_s: float) -> bool:
        """Whether a frame of this moment or later is inferred whole anyway: then nothing is worth remembering."""
        return any(at_s - tile.inferred_s > self._gate.max_age_s for tile in self._tiles)

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
        # Until all is done nothing is known: an error on the way leaves no half-new memory behind.
        known, self._known = self._known, False
        padded_HW = pad(image_HW, axes)
        changed = 0
        if not known or source != self._source or self._too_old(at_s):
            self._start(padded_HW, axes, source, at_s)
            due = set(range(len(self._tiles)))
        else:
            blocks = self._changed_blocks(padded_HW)
            changed = len(blocks)
            due = set(blocks) | self._tiles_of_changed_crystals(blocks)
        for number in sorted(due):
            self._tiles[number].infer(padded_HW, at_s, infer)
        if due:
            self._blend(sorted(due), image_HW.shape)
        self._known = True
        return GatedInference(
            probability_CHW=tuple(self._blended_CHW),
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
            self._blended_CHW = []
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
        crystals = self._boxes(touched, blocks) if touched.any() else []
        return {
            number
            for number, tile in enumerate(self._tiles)
            if any(_touches(tile.window, box) for box in crystals)
        }

    def _boxes(self, wanted: npt.NDArray[np.bool_], near: Iterable[int]) -> list[tuple[slice, slice]]:
        """Bounding boxes (rows, columns) of the crystals wanted, which show in the tiles `near`.

        They mostly end within those tiles; the whole frame is searched only where one reaches their border.
        """
        assert self._labels_HW is not None
        windows = [self._tiles[number].window for number in near]
        height, width = self._labels_HW.shape
        top, bottom = min(w.rows.start for w in windows), min(max(w.rows.stop for w in windows), height)
        left, right = min(w.columns.start for w in windows), min(max(w.columns.stop for w in windows), width)
        found = _boxes(self._labels_HW[top:bottom, left:right], wanted, top, left)
        inside = (
            slice(top and top + 1, bottom - (bottom < height)),
            slice(left and left + 1, right - (right < width)),
        )
        if all(_contains(inside, box) for box in found):
            return found
        return _boxes(self._labels_HW, wanted, 0, 0)

    def _blend(self, due: Sequence[int], shape: tuple[int, ...]) -> None:
        """Blend anew where tiles were inferred; the crystals' image in a copy, so that the last one stays."""
        tiles = self._tiles
        if not self._blended_CHW:
            assert tiles[0].probability_CHW is not None  # all tiles were just inferred
            self._blended_CHW = [np.empty(shape, np.float32) for _ in tiles[0].probability_CHW]
        elif len(due) == len(tiles):
            self._blended_CHW[self._crystal] = np.empty(shape, np.float32)
        else:
            self._blended_CHW[self._crystal] = self._blended_CHW[self._crystal].copy()
        for number in due:
            rows, columns = (
                _within_frame(part, length) for part, length in zip(_place(tiles[number]), shape, strict=True)
            )
            for channel, blended_HW in enumerate(self._blended_CHW):
                blended_HW[rows, columns] = self._blended_part(channel, rows, columns)

    def _blended_part(self, channel: int, rows: slice, columns: slice) -> FloatImage:
        """A part of a channel from all tiles that share in it, in their order: so the sums are always the same."""
        part_HW = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        for tile in self._tiles:
            down, across = _common(rows, tile.window.rows), _common(columns, tile.window.columns)
            if down is None or across is None:
                continue
            assert tile.probability_CHW is not None  # a frame is inferred whole before parts of it are
            of_tile = (_within(down, tile.window.rows), _within(across, tile.window.columns))
            of_part = (_within(down, rows), _within(across, columns))
            shown_HW = tile.probability_CHW[channel][of_tile]
            part_HW[of_part] += (
                shown_HW if len(self._tiles) == 1 else shown_HW * tile.window.weights_HW[of_tile]
            )
        return part_HW


def _boxes(
    labels_HW: npt.NDArray[np.int32], wanted: npt.NDArray[np.bool_], top: int, left: int
) -> list[tuple[slice, slice]]:
    """Bounding boxes (rows, columns) of the labels wanted in a part of a frame that begins at `top`, `left`."""
    row, column = np.nonzero(wanted[labels_HW])
    label = labels_HW[row, column]
    limits = []
    for place in (row + top, column + left):
        first, last = np.full(len(wanted), np.iinfo(np.int64).max), np.full(len(wanted), -1)
        np.minimum.at(first, label, place)
        np.maximum.at(last, label, place)
        limits.append((first, last))
    (tops, bottoms), (lefts, rights) = limits
    return [
        (slice(int(tops[n]), int(bottoms[n]) + 1), slice(int(lefts[n]), int(rights[n]) + 1))
        for n in np.flatnonzero(bottoms >= 0)
    ]


def _place(tile: _Tile) -> tuple[slice, slice]:
    return tile.window.rows, tile.window.columns


def _within_frame(part: slice, length: int) -> slice:
    """Without what reaches into the padding."""
    return slice(part.start, min(part.stop, length))


def _contains(outer: tuple[slice, slice], inner: tuple[slice, slice]) -> bool:
    return all(o.start <= i.start and i.stop <= o.stop for o, i in zip(outer, inner, strict=True))


def _touches(window: Window, box: tuple[slice, slice]) -> bool:
    rows = slice(box[0].start - NEAR_PX, box[0].stop + NEAR_PX)
    columns = slice(box[1].start - NEAR_PX, box[1].stop + NEAR_PX)
    return _common(window.rows, rows) is not None and _common(window.columns, columns) is not None


def _common(one: slice, other: slice) -> slice | None:
    start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return slice(start, stop) if start < stop else None


def _within(part: slice, whole: slice) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)
