"""A label image as bytes and back: lossless, compact, and safe to load."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from monitor.errors import StoreError

_HEADER = struct.Struct("<4sII")
_MAGIC = b"CML1"
_MAX_SIDE_PX = 65_536


def pack_labels(labels_HW: NDArray[np.int32]) -> bytes:
    """Compress an int32 label image of shape (H, W): rows differenced, so that flat areas vanish, then deflated."""
    height, width = labels_HW.shape
    delta = np.empty((height, width), np.int32)
    delta[:, 0] = labels_HW[:, 0]
    np.subtract(labels_HW[:, 1:], labels_HW[:, :-1], out=delta[:, 1:])
    return _HEADER.pack(_MAGIC, height, width) + zlib.compress(delta.tobytes(), level=1)


def unpack_labels(packed: bytes) -> NDArray[np.int32]:
    """The label image that `pack_labels` was given. Raises StoreError on anything else."""
    try:
        magic, height, width = _HEADER.unpack_from(packed)
        if magic != _MAGIC or not (0 < height <= _MAX_SIDE_PX and 0 < width <= _MAX_SIDE_PX):
            raise ValueError(f"header {packed[: _HEADER.size]!r}")
        size = height * width * 4
        raw = zlib.decompressobj().decompress(packed[_HEADER.size :], size)
        delta = np.frombuffer(raw, np.int32).reshape(height, width)
    except (struct.error, zlib.error, ValueError) as error:
        raise StoreError(
            f"a stored label image cannot be read ({error}); the field starts afresh: "
            "its crystals get new numbers. Check the disk that holds the database."
        ) from error
    return np.cumsum(delta, axis=1, dtype=np.int32)
