"""Whatever fails and whenever: a frame is done by one open back end or is an error, and the best one comes back."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.backends import SegmentationBackend
from engine.errors import (
    BackendError,
    BackendMemoryError,
    BackendUnavailableError,
    DeviceLostError,
    ParityError,
)
from engine.lineup import Candidate, ChangeKind, LineUp, LineUpSettings
from engine.parity import ParityFigures

NAMES = ("best", "middle", "last")
WRONG = (BackendMemoryError, DeviceLostError, BackendError, MemoryError)
REFUSED = (BackendUnavailableError, BackendError, ParityError, MemoryError)


class Simple:
    """A back end of which the test knows everything."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self.closed = False
        machine.made.append(self)

    def describe(self) -> str:
        return f"{self.name} f32"

    def prepare(self, height: int, width: int) -> None:
        assert not self.closed

    def infer(self, image_BCHW: np.ndarray) -> np.ndarray:
        assert not self.closed, "a closed back end was used"
        failing = self.machine.failing[self.name]
        if failing is not None:
            raise failing("It fails. Wait.")
        return image_BCHW

    def take_notices(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        self.closed = True


class Machine:
    """What works in it just now."""

    def __init__(self) -> None:
        self.failing: dict[str, Any] = dict.fromkeys(NAMES)
        self.refused: dict[str, Any] = dict.fromkeys(NAMES)
        self.made: list[Simple] = []
        self.now_s = 0.0

    def make(self, name: str) -> SegmentationBackend:
        refused = self.refused[name]
        if refused in (BackendUnavailableError, MemoryError):
            raise refused("It is not to be had. Wait.")
        return Simple(self, name)

    def check(self, backend: SegmentationBackend, *, identity: str = "", anew: bool = False) -> ParityFigures:
        """As the parity gate does."""
        refused = self.refused[backend.describe().split()[0]]
        if refused is not None:
            raise refused("It is refused. Wait.")
        return ParityFigures(1, 0, 0, 1, 300)


mishaps = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from((None, *WRONG)),
        st.sampled_from((None, None, *REFUSED)),
        st.floats(0, 40),
    ),
    max_size=25,
)


@example(  # a better one that is tried again, and fails, must not keep the last resort from its try
    mishaps=[
        ("middle", None, BackendUnavailableError, 0.0),
        ("best", BackendMemoryError, None, 0.0),
        ("last", BackendMemoryError, None, 0.0),
        ("last", None, None, 1.0),
    ],
    slow=False,
    named=False,
    count=3,
)
@settings(max_examples=150, deadline=None)
@given(
    mishaps=mishaps,
    slow=st.booleans(),
    named=st.booleans(),
    count=st.integers(1, 3),
)
def test_every_frame_is_done_or_an_error_and_the_best_comes_back(
    mishaps: list[tuple[str, Any, Any, float]], slow: bool, named: bool, count: int
) -> None:
    machine = Machine()
    names = NAMES[:count]
    candidates = [
        Candidate(name, lambda name=name: machine.make(name), slow=slow and name == "best") for name in names
    ]
    line_up = LineUp(
        candidates,
        machine,  # type: ignore[arg-type]
        LineUpSettings(first_must_start=named, first_retry_s=1.0, longest_retry_s=30.0),
        seconds=lambda: machine.now_s,
    )
    image = np.zeros((1, 1, 16, 16), np.float32)

    def frame() -> str | None:
        asked: list[str] = []

        def work(serving: SegmentationBackend) -> str:
            asked.append(serving.describe())
            serving.infer(image)
            return serving.describe()

        try:
            result, backend = line_up.run(work, (16, 16))
        except BackendError:
            result = backend = None
        assert result == backend, "the row names what ran"
        assert len(asked) <= 2 * len(names), "a frame comes to an end"
        open_now = [each for each in machine.made if not each.closed]
        assert len(open_now) <= len(names) + 1, "what is lost is closed; one may be in the making"
        if backend is not None:
            assert backend == line_up.describe
            assert machine.failing[backend.split()[0]] is None
        preparing = line_up._preparing
        if preparing is not None:
            preparing[1]._thread.join(10)
        return backend

    for name, failing, refused, pause_s in mishaps:
        machine.failing[name], machine.refused[name] = failing, refused
        machine.now_s += pause_s
        done = frame()
        healthy = [each for each in names if machine.failing[each] is None and machine.refused[each] is None]
        if done is None:
            # With the slow one alone in health, frames wait for it to come from behind.
            assert names[-1] not in healthy, "the last resort is always tried"
    machine.failing, machine.refused = dict.fromkeys(NAMES), dict.fromkeys(NAMES)
    for _ in range(4 * len(names)):
        machine.now_s += 31.0
        last = frame()
    assert last == "best f32"
    assert not line_up.condition.degraded
    told = line_up.take_changes()
    for before, after in itertools.pairwise(told):
        if before.kind is after.kind is ChangeKind.SWAPPED:
            assert names.index(after.backend.split()[0]) < names.index(before.backend.split()[0])
    line_up.close()
    assert all(each.closed for each in machine.made)
