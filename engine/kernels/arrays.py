"""Arrays on their way to the kernels, which trust what they are told: type, shape and layout are checked here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

MOST_PIXELS = 1 << 30
"""Of an image in its frame of one pixel: positions there, and a row more, are 32-bit numbers."""


class KernelInputError(EngineError, TypeError):
    """An array whose dtype, shape or layout a kernel cannot take."""


def contiguous(name: str, image_HW: NDArray[Any], kind: type[np.generic]) -> NDArray[Any]:
    """An image (H, W) as the kernels take it: the array itself, or a copy of one whose rows have gaps.

    Raise KernelInputError where it has another dtype or number of axes, or is larger than fits.
    """
    if image_HW.dtype != kind or image_HW.ndim != 2:
        raise KernelInputError(
            f"{name} is {image_HW.dtype} of shape {image_HW.shape}; {np.dtype(kind)} of shape (H, W) is needed"
        )
    height, width = image_HW.shape
    if (height + 2) * (width + 2) > MOST_PIXELS:
        raise KernelInputError(
            f"{name} is of shape {image_HW.shape}; in a frame of one pixel at most {MOST_PIXELS} pixels can be parted "
            "and measured"
        )
    return np.ascontiguousarray(image_HW)


def address(array: NDArray[Any], kind: type[np.generic] | np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Where an array's data begin; raise KernelInputError unless it is of this dtype and shape, without gaps."""
    if array.dtype != kind or array.shape != shape or not array.flags.c_contiguous:
        raise KernelInputError(
            f"a contiguous array of {np.dtype(kind)} and shape {shape} is needed, "
            f"not {array.dtype} of shape {array.shape}, strides {array.strides}"
        )
    return array.ctypes.data


def check_half_widths(half_widths: NDArray[np.int64]) -> None:
    """Raise KernelInputError unless these can be half the rows of a disc: none reaches farther than the disc down."""
    reach = len(half_widths) - 1
    if reach < 0 or half_widths.min() < 0 or half_widths.max() > reach:
        raise KernelInputError(
            f"half widths {half_widths.tolist()} of a disc's rows; each must be from 0 to their number less one"
        )


def check_rows(rows: range, height: int) -> None:
    """Raise KernelInputError unless these are rows, one after the other, of an image that is so high."""
    if not 0 <= rows.start <= rows.stop <= height or rows.step != 1:
        raise KernelInputError(f"rows {rows} are not those of an image of {height}")
