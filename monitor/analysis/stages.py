"""How long each stage of a frame took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(stage: str, into: dict[str, float]) -> Iterator[None]:
    """Write the seconds that the `with` block took under the stage's name; also where it fails."""
    began_s = time.perf_counter()
    try:
        yield
    finally:
        into[stage] = time.perf_counter() - began_s
