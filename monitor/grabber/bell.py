"""How the camera's thread wakes the socket's: a kernel counter that a poller can wait for."""

from __future__ import annotations

import os
import threading


class Bell:
    """Rung by any thread, heard by the one that polls `file`."""

    def __init__(self) -> None:
        """Silent."""
        self.file = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """File descriptor that is readable while the bell rings."""
        self._lock = threading.Lock()
        self._closed = False

    def ring(self) -> None:
        """Wake the poller; harmless after `close`, for a camera may end long after its grabber."""
        with self._lock:
            if not self._closed:
                os.eventfd_write(self.file, 1)

    def silence(self) -> None:
        """It was heard."""
        os.eventfd_read(self.file)

    def close(self) -> None:
        """Give the descriptor back."""
        with self._lock:
            self._closed = True
            os.close(self.file)
