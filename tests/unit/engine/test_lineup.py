"""Who serves, and what happens when it is lost: real back ends, real threads, faults on cue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine import load_card
from engine.backends import SegmentationBackend
from engine.errors import (
    BackendError,
    BackendMemoryError,
    CardError,
    LossCause,
)
from engine.lineup import ChangeKind, LineUp
from engine.parity import ParityGate
from tests.failing_backend import FAULTS, Cue
from tests.unit.engine.serving import FAST, SIZE, STURDY, frame, frames_until, kinds


def test_the_control_the_two_are_different_and_both_pass(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue
) -> None:
    assert frame(make(fast, sturdy)) == FAST
    assert frame(make(sturdy)) == STURDY
    assert FAST != STURDY


def test_a_compiled_file_that_was_refused_is_told_once(make: Callable[..., LineUp], fast: Cue) -> None:
    line_up = make(fast)
    frame(line_up)
    assert line_up.take_changes() == ()
    fast.made[-1].notices.append(
        "The engine default-512.engine was built by another version. It was built anew."
    )
    [change] = line_up.take_changes()
    assert change.kind is ChangeKind.REFUSED
    assert change.backend == FAST
    assert "another version" in change.message
    assert not line_up.condition.degraded
    assert line_up.take_changes() == ()


def test_serves_at_once_and_swaps_when_the_better_is_proven(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue
) -> None:
    fast.may_go_on.clear()
    line_up = make(fast, sturdy, slow=(fast,))
    assert [frame(line_up) for _ in range(3)] == [STURDY] * 3
    assert line_up.take_changes() == ()
    assert not line_up.condition.degraded, "being made ready is no fault"
    fast.may_go_on.set()
    ran = frames_until(line_up, FAST)
    assert ran[:-1] == [STURDY] * (len(ran) - 1), "no frame was lost, none ran elsewhere"
    (change,) = line_up.take_changes()
    assert (change.kind, change.backend, change.cause) == (ChangeKind.SWAPPED, FAST, None)
    assert FAST in change.message
    assert STURDY in change.message
    assert fast.made[0].prepared == [SIZE], "compiled for the frames in use before the swap"
    assert fast.made[0].inferred >= 1
    assert line_up.describe == FAST


def test_a_swap_waits_for_the_end_of_a_frame(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    fast.may_go_on.clear()
    line_up = make(fast, sturdy, slow=(fast,))
    image = np.zeros((1, 1, *SIZE), np.float32)

    def tiles(serving: SegmentationBackend) -> list[str]:
        ran = []
        for _ in range(3):
            serving.infer(image)
            ran.append(serving.describe())
            fast.may_go_on.set()
            time.sleep(0.2)
        return ran

    frame(line_up)
    ran, backend = line_up.run(tiles, SIZE)
    assert set(ran) == {backend} == {STURDY}
    assert frames_until(line_up, FAST)


def test_with_one_back_end_nothing_runs_behind(make: Callable[..., LineUp], fast: Cue) -> None:
    threads = set(threading.enumerate())
    line_up = make(fast)
    frame(line_up)
    assert not set(threading.enumerate()) - threads
    assert line_up.take_changes() == ()


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_lost_back_end_gives_way_within_the_frame_and_comes_back(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue, fault: str
) -> None:
    line_up = make(fast, sturdy)
    assert frame(line_up) == FAST
    fast.always = fault
    assert frame(line_up) == STURDY
    (lost,) = line_up.take_changes()
    cause = {"memory": "out_of_memory", "device": "device_lost", "host memory": "out_of_memory"}.get(
        fault, "failed"
    )
    assert (lost.kind, lost.backend, lost.cause) == (ChangeKind.LOST, STURDY, LossCause(cause))
    assert fast.made[0].closed == 1
    assert line_up.condition.degraded
    assert cause in line_up.condition.message
    fast.always = None
    frames_until(line_up, FAST)
    assert not line_up.condition.degraded
    assert kinds(line_up.take_changes()) == [ChangeKind.SWAPPED]


def test_what_came_back_was_judged_anew(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    """It passed the gate once, and that is remembered; but a card that was lost is asked again."""
    line_up = make(fast, sturdy, longest_retry_s=0.2)
    fast.fail("device")
    frame(line_up)
    fast.wrong = True
    until = time.monotonic() + 30
    while time.monotonic() < until and len(line_up._changes) < 2:
        assert frame(line_up) == STURDY
        time.sleep(0.02)
    lost, refused = line_up.take_changes()
    assert (lost.kind, refused.kind) == (ChangeKind.LOST, ChangeKind.REFUSED)
    assert refused.cause is LossCause.PARITY
    assert "area bias" in refused.message
    assert line_up.condition.degraded
    fast.wrong = False
    frames_until(line_up, FAST)


def test_one_that_stays_lost_is_told_once_and_rests_longer_each_time(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue
) -> None:
    now = [1000.0]
    line_up = make(fast, sturdy, seconds=lambda: now[0], first_retry_s=2.0, longest_retry_s=9.0)
    fast.always = "memory"
    frame(line_up)
    attempts = []
    for _ in range(60):
        made = len(fast.made)
        frame(line_up)
        if line_up._preparing is not None:
            line_up._preparing[1]._thread.join(30)
        frame(line_up)
        if len(fast.made) > made:
            attempts.append(now[0])
        now[0] += 0.5
    assert len(attempts) >= 3, "the control: it was tried again"
    pauses = np.diff([1000.0, *attempts])
    assert pauses.tolist() == pytest.approx([2, 4, 8, 9][: len(pauses)], abs=0.51)
    assert kinds(line_up.take_changes()) == [ChangeKind.LOST], "no flood"


def test_a_single_back_end_is_made_anew_within_the_frame(make: Callable[..., LineUp], fast: Cue) -> None:
    line_up = make(fast)
    fast.fail("device")
    assert frame(line_up) == FAST
    assert len(fast.made) == 2
    (lost,) = line_up.take_changes()
    assert (lost.kind, lost.backend) == (ChangeKind.LOST, FAST)
    assert not line_up.condition.degraded


def test_where_none_is_left_it_is_an_error_once_told_and_it_resumes(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue
) -> None:
    frame(make(sturdy))  # its parity is known from now on, and not asked when it is made
    line_up = make(fast, sturdy)
    fast.always = sturdy.always = "other"
    for _ in range(5):
        with pytest.raises(BackendError, match="Something else happened"):
            frame(line_up)
    changes = line_up.take_changes()
    assert kinds(changes) == [ChangeKind.LOST, ChangeKind.LOST, ChangeKind.LOST]
    assert [change.backend for change in changes] == [STURDY, STURDY, ""]
    assert line_up.condition.degraded
    fast.always = sturdy.always = None
    assert frame(line_up) in (FAST, STURDY)
    frames_until(line_up, FAST)


def test_what_fails_behind_leaves_what_was_made_anew_in_the_frame_alone(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, may_fail = fast.make, threading.Event()

    def make_here_alone() -> SegmentationBackend:
        if threading.current_thread() is threading.main_thread():
            return made()
        assert may_fail.wait(30)
        raise BackendError("Something failed behind. Look at the log.")

    monkeypatch.setattr(fast, "make", make_here_alone)
    line_up = make(fast, sturdy, first_retry_s=0.0)
    fast.fail("device")
    assert frame(line_up) == STURDY
    preparing = line_up._preparing
    assert preparing is not None, "the control: the lost one is being made ready behind"
    sturdy.fail("device")
    assert frame(line_up) == FAST, "made anew within the frame, for want of any other"
    may_fail.set()
    preparing[1]._thread.join(30)
    for _ in range(3):
        assert frame(line_up) == FAST
    assert not line_up.condition.degraded


def test_stop_raises_the_loss(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    line_up = make(fast, sturdy, on_loss="stop")
    fast.fail("memory")
    with pytest.raises(BackendMemoryError, match="no memory left"):
        frame(line_up)
    (lost,) = line_up.take_changes()
    assert (lost.kind, lost.backend) == (ChangeKind.LOST, "")
    assert sturdy.made == []


def test_closing_closes_what_is_being_made_ready(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    fast.may_go_on.clear()
    line_up = make(fast, sturdy, slow=(fast,))
    frame(line_up)
    assert line_up._preparing is not None
    thread = line_up._preparing[1]._thread
    closing = threading.Thread(target=line_up.close)
    closing.start()
    fast.may_go_on.set()
    closing.join(30)
    thread.join(30)
    assert not thread.is_alive()
    assert [backend.closed for backend in fast.made] == [1]
    assert [backend.closed for backend in sturdy.made] == [1]
    line_up.close()


def test_faults_of_the_model_are_nobodys_back_end(fast: Cue, sturdy: Cue) -> None:
    with pytest.raises(CardError, match="no parity frames"):
        LineUp([fast.candidate(), sturdy.candidate()], ParityGate(replace(load_card(), parity_sha256="")))


def test_many_faults_and_every_frame_is_done(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    line_up = make(fast, sturdy, first_retry_s=0.001, longest_retry_s=0.001)
    chance = np.random.default_rng(0)
    faults = 0
    ran = []
    while faults < 16 or fast.pending or sturdy.pending:
        if faults < 16 and chance.random() < 0.5:
            (fast if faults % 3 else sturdy).fail(sorted(FAULTS)[faults % len(FAULTS)])
            faults += 1
        ran.append(frame(line_up))
        time.sleep(0.01)
    lost = [change for change in line_up.take_changes() if change.kind is ChangeKind.LOST]
    struck = [size for cue in (fast, sturdy) for size in cue.struck]
    assert len(struck) == 16
    assert len(lost) == struck.count(SIZE) >= 6
    assert set(ran) == {FAST, STURDY}
    frames_until(line_up, FAST)
    open_now = [backend for cue in (fast, sturdy) for backend in cue.made if not backend.closed]
    assert len(open_now) <= 3, "what was lost was closed"
