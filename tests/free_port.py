"""A port of the loopback for a server of a test's own."""

from __future__ import annotations

import os
import random
import socket

_FIRST, _LAST = 20_000, 32_000
"""Below those that the system gives to whoever connects."""
_EACH = 1_000


def free_port() -> int:
    """A port that nobody uses at this moment, and that no other process of `make test` will choose."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST + worker * _EACH % (_LAST - _FIRST)
    while True:
        port = random.randrange(first, first + _EACH)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
