"""Memory that each thread keeps from frame to frame: what comes fresh from the system each time costs time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.kernels.library import NO_ROOM

LEAST_ROOM = 1 << 20


class _Kept(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[str, NDArray[np.uint8]] = {}


_KEPT = _Kept()


def _buffer(name: str, size: int) -> NDArray[np.uint8]:
    """At least so many bytes, the same again for a name and thread; what was in them may still be there."""
    kept = _KEPT.buffers.get(name)
    if kept is not None and len(kept) >= size:
        return kept
    _KEPT.buffers.pop(name, None)
    del kept  # the last that held it: given back before more is asked for
    larger = _KEPT.buffers[name] = np.empty(size, np.uint8)
    return larger


def scratch(name: str, shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
    """An array of this thread's, not cleared, until it is asked for by the same name again."""
    size = prod(shape) * np.dtype(kind).itemsize
    return _buffer(name, max(size, 1))[:size].view(kind).reshape(shape)


def with_room(kernel: Callable[[int, int], int], pixels: int, bytes_per_pixel: int) -> int:
    """Call a kernel with room to work in (its address, its bytes), with more where it says NO_ROOM; what it returns.

    Pages that are never written take no memory. Raise MemoryError where the machine has no more.
    """
    size = LEAST_ROOM + pixels * bytes_per_pixel
    while True:
        room = _buffer("room", size)
        result = kernel(room.ctypes.data, len(room))
        if result != NO_ROOM:
            return result
        size = 2 * len(room)
        del room  # or it would be kept while twice as much is asked for
