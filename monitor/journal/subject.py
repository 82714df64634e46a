"""What a thread is busy with: its run, camera, field and frame, for the journal's fields."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

_NOTHING: Mapping[str, str] = {}
_SUBJECT: ContextVar[Mapping[str, str]] = ContextVar("subject", default=_NOTHING)


def about(**subject: str | int | None) -> None:
    """From now on this thread's messages are about these (`run`, `camera`, `field`, `frame`); None ends one.

    What is not named stays. Costs about a microsecond.
    """
    merged = {**_SUBJECT.get(), **{name: str(value) for name, value in subject.items() if value is not None}}
    for name, value in subject.items():
        if value is None:
            merged.pop(name, None)
    _SUBJECT.set(merged)


def now_about() -> Mapping[str, str]:
    """What this thread is busy with."""
    return _SUBJECT.get()
