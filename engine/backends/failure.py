"""What kind of failure a library's error is."""

from __future__ import annotations

import re

from engine.errors import BackendError, BackendMemoryError

_MEMORY = re.compile(
    r"bad_alloc|out of memory|not enough memory|can't allocate|cannot allocate|failed to allocate",
    re.IGNORECASE,
)


def failure_of(error: Exception, message: str) -> BackendError:
    """The error to raise for a library's own: BackendMemoryError where memory ran out, else BackendError."""
    if isinstance(error, MemoryError) or _MEMORY.search(str(error)):
        return BackendMemoryError(
            f"{message} Memory ran out: close other programs, or let smaller frames come."
        )
    return BackendError(message)
