"""Two threads for what comes after the network."""

from __future__ import annotations

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache


@cache
def two_threads() -> Executor:
    """The same two threads for the whole process, started when first needed.

    OpenCV and numpy let go of the interpreter in their long calls, so that the two do run side by side. They
    stay, because memory that a new thread takes comes fresh from the system each time.
    Work that waits for other work of these threads may take up one of them, never both.
    """
    return ThreadPoolExecutor(2, thread_name_prefix="after-network")


if hasattr(os, "register_at_fork"):  # not everywhere
    # A child process has none of its parent's threads.
    os.register_at_fork(after_in_child=two_threads.cache_clear)
