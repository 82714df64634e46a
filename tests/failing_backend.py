"""A back end that fails on cue: a real one, with the faults that a card would have."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from engine import load_card
from engine.backends import SegmentationBackend, create_backend
from engine.errors import BackendError, BackendMemoryError, DeviceLostError
from engine.lineup import Candidate

FAULTS: dict[str, Callable[[], Exception]] = {
    "memory": lambda: BackendMemoryError("The card has no memory left. Let smaller frames come."),
    "device": lambda: DeviceLostError("The card has fallen off the bus. Restart the machine."),
    "other": lambda: BackendError("Something else happened. Look at the log."),
    "host memory": lambda: MemoryError("Unable to allocate 8 MiB"),
}


class FailingBackend:
    """Passes everything to a real back end, unless a fault is due; counts what it is asked."""

    def __init__(self, backend: SegmentationBackend, cue: Cue) -> None:
        self.backend = backend
        self.cue = cue
        self.closed = 0
        self.inferred = 0
        self.prepared: list[tuple[int, int]] = []
        self.notices: list[str] = []

    def describe(self) -> str:
        return self.backend.describe()

    def prepare(self, height: int, width: int) -> None:
        assert not self.closed
        self.prepared.append((height, width))
        self.backend.prepare(height, width)

    def infer(self, image_BCHW: np.ndarray) -> np.ndarray:
        assert not self.closed, "a closed back end is not used"
        self.cue.raise_if_due((image_BCHW.shape[2], image_BCHW.shape[3]))
        self.inferred += 1
        found = self.backend.infer(image_BCHW)
        if self.cue.wrong:
            found = (0.97 * found).astype(np.float32)
        return found

    def take_notices(self) -> tuple[str, ...]:
        taken, self.notices = tuple(self.notices), []
        return taken

    def close(self) -> None:
        self.closed += 1  # the real one is shared, and stays open


class Cue:
    """When a back end fails: told by the test, thread-safe. Serves as a line-up's candidate by `candidate`."""

    def __init__(self, precision: str, *, name: str = "openvino", shared_with: Cue | None = None) -> None:
        """`shared_with`: a fault that is due strikes whichever of the two is asked next."""
        self.name = name
        self.precision = precision
        self.wrong = False
        """Whether it computes something else than the reference."""
        self.made: list[FailingBackend] = []
        self.unmakable: Exception | None = None
        """What making it raises."""
        self.may_go_on = threading.Event()
        """Cleared: making it takes until it is set."""
        self.may_go_on.set()
        self._lock = threading.Lock() if shared_with is None else shared_with._lock
        self._due: list[str] = [] if shared_with is None else shared_with._due
        self.struck: list[tuple[int, int]] = []
        """Size of the tile at which each fault struck: that of the frames, or of the parity gate's."""
        self.always: str | None = None
        """The fault of every inference, until it is None again."""

    def fail(self, *faults: str) -> None:
        """Let the next inferences fail, one fault each."""
        with self._lock:
            self._due += faults

    @property
    def pending(self) -> int:
        """Faults that are still to come."""
        return len(self._due)

    def raise_if_due(self, size: tuple[int, int]) -> None:
        with self._lock:
            fault = self._due.pop(0) if self._due else self.always
            if fault is not None:
                self.struck.append(size)
        if fault is not None:
            raise FAULTS[fault]()

    def make(self) -> SegmentationBackend:
        assert self.may_go_on.wait(30)
        if self.unmakable is not None:
            raise self.unmakable
        backend = FailingBackend(_real(self.precision), self)
        self.made.append(backend)
        return backend

    def candidate(self, *, slow: bool = False, missed: bool = True) -> Candidate:
        return Candidate(
            self.name, self.make, slow=slow, missed=missed, identity=lambda: "wrong" if self.wrong else ""
        )


_shared: dict[str, SegmentationBackend] = {}


def _real(precision: str) -> SegmentationBackend:
    """One real back end for each precision: what they hold costs seconds to make. Used by one thread at a time."""
    if precision not in _shared:
        _shared[precision] = _OneAtATime(
            create_backend("openvino", load_card(), threads=1, precision=precision)
        )
    return _shared[precision]


class _OneAtATime:
    """Lets the fixtures of several tests share a back end: results are copied under a lock."""

    def __init__(self, backend: SegmentationBackend) -> None:
        self._backend = backend
        self._lock = threading.Lock()

    def describe(self) -> str:
        return self._backend.describe()

    def prepare(self, height: int, width: int) -> None:
        with self._lock:
            self._backend.prepare(height, width)

    def infer(self, image_BCHW: np.ndarray) -> np.ndarray:
        with self._lock:
            return self._backend.infer(image_BCHW).copy()

    def take_notices(self) -> tuple[str, ...]:
        return self._backend.take_notices()

    def close(self) -> None:
        pass
