"""What a line-up tells: every change of what runs, with its cause."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.errors import LossCause


class ChangeKind(StrEnum):
    """What happened to the line-up; a closed set."""

    LOST = "lost"
    """The back end that served failed; `backend` took its place within the same frame, or nothing did."""
    SWAPPED = "swapped"
    """A better back end took over between two frames."""
    REFUSED = "refused"
    """A back end could not be made ready, or did not pass the parity gate, and does not serve; or it serves, without a
    compiled file that it refused."""


@dataclass(frozen=True)
class EngineChange:
    """One change."""

    kind: ChangeKind
    """What happened."""
    message: str
    """In the user's terms, with what now runs."""
    backend: str
    """What now runs, such as `openvino bf16`; empty where nothing does."""
    cause: LossCause | None = None
    """Why, for what was lost or refused."""


@dataclass(frozen=True)
class EngineCondition:
    """How the line-up stands after a frame."""

    degraded: bool
    """Whether a back end that should serve does not, because it was lost or refused."""
    message: str
    """What runs, and what is missing and why."""
