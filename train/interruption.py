"""Ctrl-C and SIGTERM: noted in the middle of a training's step, heeded between two."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what runs is wound up as at Ctrl-C, so that no process that makes crops is left behind."""


class Interruption:
    """Whether somebody has asked for an end."""

    def __init__(self) -> None:
        """Nobody has."""
        self._number: int | None = None

    @property
    def asked(self) -> bool:
        """Whether it was asked for."""
        return self._number is not None

    def note(self, number: int, _frame: object) -> None:
        """Take a signal; the second one does not wait any longer."""
        if self._number is not None:
            raise_for(number)
        self._number = number

    def heed(self) -> None:
        """Raise `Terminated` or `KeyboardInterrupt` if an end was asked for."""
        if self._number is not None:
            raise_for(self._number)


def raise_for(number: int, _frame: object = None) -> None:
    """Raise what a signal stands for; itself a signal handler."""
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


@contextmanager
def noted() -> Iterator[Interruption]:
    """Note signals while the block runs, instead of breaking off wherever it is. For the main thread; else nothing."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.note) for number in _SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
