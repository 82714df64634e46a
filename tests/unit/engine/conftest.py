"""Line-ups of real back ends that fail on cue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine import load_card
from engine.card import sha256_of
from engine.lineup import LineUp, LineUpSettings
from engine.parity import ParityFrames, ParityGate
from tests.failing_backend import Cue


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> ParityGate:
    """The real gate over one of the model's frames, the one with most crystals: it is passed often here."""
    shipped = load_card()
    frames = ParityFrames.load(shipped)
    folder = tmp_path_factory.mktemp("gate")
    card = replace(shipped, folder=folder)
    ParityFrames(frames.weights_sha256, frames.images[2:3], frames.reference[2:3]).save(card.parity_path)
    card = replace(card, parity_sha256=sha256_of(card.parity_path))
    return ParityGate(card, folder)


@pytest.fixture
def fast() -> Cue:
    return Cue("auto", name="fast")


@pytest.fixture
def sturdy() -> Cue:
    return Cue("f32", name="sturdy")


@pytest.fixture
def make(gate: ParityGate) -> Iterator[Callable[..., LineUp]]:
    made: list[LineUp] = []

    def make_line_up(
        *cues: Cue, slow: tuple[Cue, ...] = (), seconds: Any = time.monotonic, **settings: Any
    ) -> LineUp:
        candidates = [cue.candidate(slow=cue in slow) for cue in cues]
        line_up = LineUp(
            candidates, gate, LineUpSettings(**{"first_retry_s": 0.05} | settings), seconds=seconds
        )
        made.append(line_up)
        return line_up

    yield make_line_up
    for line_up in made:
        line_up.close()
