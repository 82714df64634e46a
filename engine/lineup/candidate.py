"""A back end that may serve, and how a line-up of them behaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from engine.backends.contract import SegmentationBackend

OnLoss = Literal["degrade", "stop"]


@dataclass(frozen=True)
class Candidate:
    """One place of a line-up."""

    name: str
    """Name of the back end, for messages before it can describe itself."""
    create: Callable[[], SegmentationBackend]
    """Makes it; raises EngineError. May be called more than once, and in another thread than the one it serves."""
    slow: bool = False
    """Whether it takes more than seconds to be ready: then something else serves until it is."""
    missed: bool = True
    """Whether something is wrong where it is unavailable from the start on; not where its software was left out."""
    identity: Callable[[], str] = str
    """What else than its description makes it another one for the parity gate, such as an engine file's hash;
    asked after `create`."""


@dataclass(frozen=True)
class LineUpSettings:
    """How a line-up behaves."""

    on_loss: OnLoss = "degrade"
    """`degrade`: the same frame is done again on the next back end; `stop`: the loss is raised."""
    first_must_start: bool = False
    """Whether the first candidate, and none else, is to serve from the first frame: it was named."""
    first_retry_s: float = 2.0
    """Pause before a back end that was lost is tried again, seconds; doubled with each loss that follows soon."""
    longest_retry_s: float = 300.0
    """Longest such pause, seconds; also the pause where waiting seldom helps: after a failed parity gate."""
    stable_s: float = 60.0
    """A back end that served for so long had recovered: its pauses begin anew, seconds."""
