"""How a frame of any size goes through a network whose sides are multiples of its stride.

A frame is padded by reflection and goes in one piece as long as that is small; above it is cut into
tiles of one shape that overlap, and whose probabilities are blended with raised-cosine weights that sum
to one everywhere, so that no seam is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

SMALLEST_SIDE_PX = 128
"""Frames below are padded to it: the network's pooled context needs some room."""
LARGEST_WHOLE_AREA_PX = 2_700_000
"""Largest padded frame that goes in one piece; memory grows by about 0.5 kB per pixel at width 16."""

_KEPT_PLANS = 4

FloatImage = npt.NDArray[np.float32]
Inference = Callable[[FloatImage], FloatImage]
"""Maps image_BCHW to probability_BCHW; the result may be overwritten by the next call."""


@dataclass(frozen=True)
class Axis:
    """Tiles along one axis, px."""

    starts: tuple[int, ...]
    """First pixel of each tile."""
    size: int
    """Length of every tile, a multiple of the stride."""
    padded: int
    """Length of the padded frame, at least the last tile's end."""

    def weights(self) -> npt.NDArray[np.float32]:
        """Blend weights (tiles, size) float32; at each pixel of the axis they sum to 1."""
        raw = np.ones((len(self.starts), self.size), np.float64)
        for index in range(len(self.starts) - 1):
            overlap = self.starts[index] + self.size - self.starts[index + 1]
            ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(overlap) + 0.5) / overlap)
            raw[index + 1, :overlap] *= ramp
            raw[index, self.size - overlap :] *= ramp[::-1]
        total = np.zeros(self.padded, np.float64)
        for start, row in zip(self.starts, raw, strict=True):
            total[start : start + self.size] += row
        share = np.stack([total[start : start + self.size] for start in self.starts])
        return (raw / share).astype(np.float32)


def _up_to_multiple(length: int, stride: int) -> int:
    return -(-length // stride) * stride


def plan_axis(length: int, tile: int, overlap: int, stride: int) -> Axis:
    """Cut `length` px into the fewest equal tiles of at most `tile` px that overlap by at least `overlap`."""
    if length <= tile:
        size = _up_to_multiple(max(length, SMALLEST_SIDE_PX), stride)
        return Axis((0,), size, size)
    count = -(-(length - overlap) // (tile - overlap))
    size = _up_to_multiple(-(-(length + (count - 1) * overlap) // count), stride)
    starts = tuple(round(index * (length - size) / (count - 1)) for index in range(count))
    return Axis(starts, size, length)


def plan(
    height: int, width: int, *, tile: int, overlap: int, stride: int, whole_area: int = LARGEST_WHOLE_AREA_PX
) -> tuple[Axis, Axis]:
    """Tiles along height and width of a frame; one tile each when the frame goes in one piece."""
    whole = plan_axis(height, height, 0, stride), plan_axis(width, width, 0, stride)
    if whole[0].padded * whole[1].padded <= whole_area:
        return whole
    return plan_axis(height, tile, overlap, stride), plan_axis(width, tile, overlap, stride)


@dataclass(frozen=True)
class Window:
    """One tile of a frame."""

    rows: slice
    """Its rows in the padded frame."""
    columns: slice
    """Its columns in the padded frame."""
    weights_HW: FloatImage
    """Its share in the blend, pixel by pixel."""

    @property
    def box_xywh_px(self) -> tuple[int, int, int, int]:
        """First column, first row, width, height, px; may reach into the padding."""
        columns, rows = self.columns, self.rows
        return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start


@lru_cache(maxsize=_KEPT_PLANS)
def windows(axes: tuple[Axis, Axis]) -> tuple[Window, ...]:
    """The tiles of a frame, row by row; kept, so that a stream of frames pays for their weights once."""
    rows, columns = axes
    found = tuple(
        Window(
            slice(top, top + rows.size),
            slice(left, left + columns.size),
            np.asarray(np.outer(row_weight, column_weight), np.float32),
        )
        for top, row_weight in zip(rows.starts, rows.weights(), strict=True)
        for left, column_weight in zip(columns.starts, columns.weights(), strict=True)
    )
    for window in found:
        window.weights_HW.flags.writeable = False
    return found


def pad(image_HW: FloatImage, axes: tuple[Axis, Axis]) -> FloatImage:
    """The image, by reflection as large as its tiles need."""
    bottom, right = axes[0].padded - image_HW.shape[0], axes[1].padded - image_HW.shape[1]
    if not bottom and not right:
        return image_HW
    padded = cv2.copyMakeBorder(image_HW, 0, bottom, 0, right, cv2.BORDER_REFLECT)
    return np.asarray(padded, np.float32)


def infer_tiled(image_HW: FloatImage, axes: tuple[Axis, Axis], infer: Inference) -> FloatImage:
    """Probabilities (C, H, W) float32 of a normalised image (H, W), through `infer` tile by tile."""
    height, width = image_HW.shape
    padded_HW = pad(image_HW, axes)
    if len(axes[0].starts) == len(axes[1].starts) == 1:
        return infer(padded_HW[None, None])[0, :, :height, :width].copy()
    blended_CHW: FloatImage | None = None
    share_HW = np.empty((axes[0].size, axes[1].size), np.float32)
    for window in windows(axes):
        tile_BCHW = np.ascontiguousarray(padded_HW[window.rows, window.columns])[None, None]
        probability_CHW = infer(tile_BCHW)[0]
        if blended_CHW is None:
            blended_CHW = np.zeros((len(probability_CHW), *padded_HW.shape), np.float32)
        for blended_HW, probability_HW in zip(blended_CHW, probability_CHW, strict=True):
            # As numpy rounds, to the bit, in place and several times as fast.
            cv2.multiply(probability_HW, window.weights_HW, dst=share_HW)
            place_HW = blended_HW[window.rows, window.columns]
            cv2.add(place_HW, share_HW, dst=place_HW)
    assert blended_CHW is not None  # every axis has at least one tile
    return np.ascontiguousarray(blended_CHW[:, :height, :width])
