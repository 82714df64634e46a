"""One place of a line-up: a candidate and what became of it so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.backends.contract import SegmentationBackend
from engine.errors import BackendError, BackendMemoryError, EngineError, LossCause
from engine.lineup.candidate import Candidate, LineUpSettings
from engine.parity import ParityGate


@dataclass(eq=False)
class Place:
    """A candidate, and whether it serves, stands ready, or rests. Times are the line-up's seconds."""

    candidate: Candidate
    backend: SegmentationBackend | None = None
    """Open and proven: serving, or ready to step in."""
    loss: BackendError | None = None
    """Why it does not serve; None where nothing is wrong with it."""
    lost_before: bool = False
    """Whether it was lost while serving: then it must pass the gate again before it is swapped back in."""
    pause_s: float = 0.0
    """Its last pause."""
    retry_at_s: float = 0.0
    """When it may be tried again."""
    since_s: float = 0.0
    """Since when it serves."""

    @property
    def name(self) -> str:
        """What it says of itself, or its candidate's name where it is not open."""
        return self.candidate.name if self.backend is None else self.backend.describe()

    @property
    def cause(self) -> LossCause | None:
        """Why it does not serve, in one word."""
        return None if self.loss is None else self.loss.cause

    @property
    def absent(self) -> bool:
        """Whether it was never here and nobody misses it: it is not tried again."""
        return self.cause is LossCause.UNAVAILABLE and not (self.lost_before or self.candidate.missed)

    def may_be_tried(self, now_s: float) -> bool:
        """Whether it is closed, could be in this machine, and has rested."""
        return self.backend is None and not self.absent and self.retry_at_s <= now_s

    def open(
        self, gate: ParityGate, sizes: Callable[[], Sequence[tuple[int, int]]], *, anew: bool
    ) -> SegmentationBackend:
        """Make the back end: through the gate, compiled for tiles of the `sizes` (height, width) px in use then.

        `anew` lets it pass the gate again, though it passed before. Raises EngineError. Nothing of the
        place changes, so that it may be done in another thread.
        """
        backend: SegmentationBackend | None = None
        try:
            backend = self.candidate.create()
            gate.check(backend, identity=self.candidate.identity(), anew=anew)
            for height, width in sizes():
                backend.prepare(height, width)
        except (EngineError, MemoryError) as error:
            if backend is not None:
                backend.close()
            if isinstance(error, MemoryError):
                raise no_memory(f"to make {self.candidate.name} ready", error) from error
            raise
        return backend

    def rest(self, loss: BackendError, settings: LineUpSettings, now_s: float) -> None:
        """Close it, and let it rest: longer each time, and long at once where waiting seldom helps."""
        if loss.cause is LossCause.PARITY or (loss.cause is LossCause.UNAVAILABLE and not self.lost_before):
            self.pause_s = settings.longest_retry_s
        else:
            self.pause_s = min(max(2 * self.pause_s, settings.first_retry_s), settings.longest_retry_s)
        self.retry_at_s = now_s + self.pause_s
        self.loss = loss
        self.close()

    def close(self) -> None:
        """Free the back end, if it is open."""
        if self.backend is not None:
            self.backend.close()
            self.backend = None


def no_memory(what: str, error: MemoryError) -> BackendMemoryError:
    """The host's own lack of memory as a back end's."""
    return BackendMemoryError(
        f"There was no memory {what} ({error}). Close other programs, or let smaller frames come."
    )
