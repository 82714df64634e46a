"""A series as a short text and back, bit for bit: it is written with every frame, for months."""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np
from numpy.typing import NDArray

from monitor.completion.series import COLUMNS, MAX_SAMPLES

Floats = NDArray[np.float64]
_BYTES = 8
_MOST_BYTES = (MAX_SAMPLES + 1) * COLUMNS * _BYTES


def pack_series(series_SC: Floats) -> str:
    """Base 64 of deflated float64, little-endian; column by column and, within, byte by byte of all samples.

    Neighbours of one column agree in their high bytes, which vanish so: a quarter of the length of numbers in words.
    """
    planes = np.ascontiguousarray(series_SC.T, "<f8").view(np.uint8).reshape(-1, _BYTES).T
    return base64.b64encode(zlib.compress(planes.tobytes(), level=1)).decode("ascii")


def unpack_series(packed: str) -> Floats:
    """The series that `pack_series` was given. Raises ValueError on anything else."""
    inflating = zlib.decompressobj()
    try:
        raw = inflating.decompress(base64.b64decode(packed, validate=True), _MOST_BYTES)
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"a packed series cannot be read ({error})") from error
    if not inflating.eof or len(raw) % (_BYTES * COLUMNS):
        raise ValueError(f"a packed series is cut off, or too long ({len(raw)} bytes of it could be read)")
    planes = np.frombuffer(raw, np.uint8).reshape(_BYTES, -1)
    return np.ascontiguousarray(planes.T).view("<f8").reshape(COLUMNS, -1).T.astype(np.float64, order="C")
