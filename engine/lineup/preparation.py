"""Making a back end ready in a thread of its own, while another one serves."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.backends.contract import SegmentationBackend
from engine.errors import BackendError, EngineError, LossCause


class CrashedPreparationError(BackendError):
    """A preparation ended without a verdict."""

    cause = LossCause.CRASHED


class Preparation:
    """One attempt. The thread dies with the process: a compile of minutes must not keep it from ending."""

    def __init__(self, name: str, make: Callable[[], SegmentationBackend]) -> None:
        """Begin at once; `make` gives a back end that is compiled and has passed the parity gate."""
        self._make = make
        self._lock = threading.Lock()
        self._abandoned = False
        self._backend: SegmentationBackend | None = None
        self._error: EngineError = CrashedPreparationError(
            f"Making {name} ready ended without a verdict. See the log for the trace, and report it."
        )
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"prepare-{name}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether there is an outcome."""
        return self._done.is_set()

    def outcome(self) -> SegmentationBackend | EngineError:
        """The back end, from now on the caller's, or why there is none; once `done`."""
        assert self.done, "ask once it is done"
        return self._error if self._backend is None else self._backend

    def abandon(self, wait_s: float) -> None:
        """Close what comes of it, whenever that is; wait for the thread for so long at most."""
        with self._lock:
            self._abandoned = True
            made = self._backend
        if made is not None:
            made.close()
        self._thread.join(wait_s)

    def _run(self) -> None:
        try:
            backend = self._make()
            with self._lock:
                unwanted = self._abandoned
                self._backend = backend
            if unwanted:
                backend.close()
        except EngineError as error:
            self._error = error
        finally:  # what else is raised is a fault in the program: it is shown by the thread, and told as crashed
            self._done.set()
