"""Who comes to serve: what is refused at the start or behind, left out, missed or named, and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import load_card
from engine.errors import (
    BackendError,
    BackendUnavailableError,
    LossCause,
    ParityError,
)
from engine.lineup import LINE_UP, ChangeKind, LineUp, LineUpSettings, candidates_for
from engine.parity import ParityGate
from tests.failing_backend import Cue
from tests.unit.engine.serving import FAST, STURDY, frame, frames_until


@pytest.mark.parametrize("flaw", ["wrong", "unmakable"])
def test_one_that_is_refused_at_the_start_does_not_serve(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue, flaw: str
) -> None:
    if flaw == "wrong":
        fast.wrong = True
    else:
        fast.unmakable = BackendError("The driver is too old. Install a newer one.")
    line_up = make(fast, sturdy)
    assert frame(line_up) == STURDY
    (refused,) = line_up.take_changes()
    assert (refused.kind, refused.backend) == (ChangeKind.REFUSED, STURDY)
    assert "area bias" in refused.message if flaw == "wrong" else "too old" in refused.message
    assert line_up.condition.degraded
    assert all(backend.closed for backend in fast.made)


@pytest.mark.parametrize("missed", [False, True])
def test_what_was_left_out_is_told_and_what_is_missed_is_a_degradation(
    gate: ParityGate, fast: Cue, sturdy: Cue, missed: bool
) -> None:
    now = [0.0]
    fast.unmakable = BackendUnavailableError("It is not here. Bring it.")
    candidates = [fast.candidate(missed=missed), sturdy.candidate()]
    line_up = LineUp(candidates, gate, LineUpSettings(), seconds=lambda: now[0])
    assert frame(line_up) == STURDY
    assert [change.cause for change in line_up.take_changes()] == [LossCause.UNAVAILABLE]
    assert line_up.condition.degraded == missed
    now[0] = 301.0
    frame(line_up)
    assert (line_up._preparing is not None) == missed, "whether it is tried again"
    line_up.close()


def test_a_card_that_cannot_be_found_after_its_loss_is_looked_for_until_it_is_back(
    make: Callable[..., LineUp], fast: Cue, sturdy: Cue
) -> None:
    line_up = make(fast, sturdy, longest_retry_s=0.1)
    fast.always, fast.unmakable = "device", BackendUnavailableError("There is no card. Put one in.")
    assert frame(line_up) == STURDY
    until = time.monotonic() + 30
    while time.monotonic() < until and len(line_up._changes) < 2:
        frame(line_up)
        time.sleep(0.01)
    assert line_up.condition.degraded
    lost, missing = line_up.take_changes()
    assert (lost.cause, missing.cause) == (LossCause.DEVICE_LOST, LossCause.UNAVAILABLE)
    fast.always = fast.unmakable = None
    frames_until(line_up, FAST)


def test_one_that_is_refused_behind_never_serves(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    fast.wrong = True
    line_up = make(fast, sturdy, slow=(fast,))
    until = time.monotonic() + 20
    while not line_up._changes and time.monotonic() < until:
        assert frame(line_up) == STURDY
        time.sleep(0.02)
    (refused,) = line_up.take_changes()
    assert (refused.kind, refused.cause) == (ChangeKind.REFUSED, LossCause.PARITY)
    assert fast.made[0].closed == 1


def test_none_at_all_is_an_error_that_names_each(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    fast.wrong = True
    sturdy.unmakable = BackendUnavailableError("It is not installed. Install it.")
    with pytest.raises(BackendError, match=r"fast: .*area bias.*sturdy: It is not installed"):
        make(fast, sturdy)
    with pytest.raises(ParityError):
        make(fast)


def test_a_named_one_must_start(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    fast.unmakable = BackendError("The driver is too old. Install a newer one.")
    with pytest.raises(BackendError, match="too old"):
        make(fast, sturdy, first_must_start=True)
    fast.unmakable = None
    line_up = make(fast, sturdy, slow=(fast,), first_must_start=True)
    assert frame(line_up) == FAST, "from the first frame on"
    fast.fail("device")
    assert frame(line_up) == STURDY


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_in_the_program_behind_is_told(make: Callable[..., LineUp], fast: Cue, sturdy: Cue) -> None:
    fast.unmakable = ZeroDivisionError("a fault of ours")
    line_up = make(fast, sturdy, slow=(fast,))
    until = time.monotonic() + 20
    while not line_up._changes and time.monotonic() < until:
        assert frame(line_up) == STURDY
        time.sleep(0.01)
    (refused,) = line_up.take_changes()
    assert refused.cause is LossCause.CRASHED


def test_the_stations_line_up(monkeypatch: pytest.MonkeyPatch) -> None:
    card = load_card()
    monkeypatch.setattr("engine.lineup.choice._SIGNS_OF_A_CARD", ())
    assert next(each.name for each in candidates_for("auto", card)) == "openvino"
    assert [each.name for each in candidates_for("torch", card)] == ["torch"]
    assert candidates_for("tensorrt", card)[0].name == "tensorrt", "named, it is tried"
    monkeypatch.setattr("engine.lineup.choice._SIGNS_OF_A_CARD", (Path(__file__),))
    found = candidates_for("auto", card)
    assert [each.name for each in found][:2] == list(LINE_UP[:2])
    assert [each.slow for each in found][:2] == [True, False]
    for name, precision in (("cuda", "auto"), ("openvino", "int3")):
        with pytest.raises(BackendUnavailableError, match="There is no"):
            candidates_for(name, card, precision=precision)


def test_another_engine_file_is_another_back_end_to_the_gate(tmp_path: Path) -> None:
    engines, cache = tmp_path / "engines", tmp_path / "cache"
    (candidate, *_) = candidates_for("tensorrt", load_card(), cache=cache, engines=engines)
    found = [candidate.identity()]
    for folder, text in ((engines, "{}"), (engines, '{"model": "another"}'), (cache / "tensorrt", "{}")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "default-128x160-fp16.engine.json").write_text(text)
        found.append(candidate.identity())
        assert candidate.identity() == found[-1], "the control: nothing changed"
    assert len(set(found)) == 4
