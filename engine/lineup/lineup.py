"""Who serves: at once what is ready in seconds, the better one as soon as it is proven, the next when one is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from engine.backends.contract import SegmentationBackend
from engine.errors import BackendError, EngineError, LossCause
from engine.lineup.candidate import Candidate, LineUpSettings
from engine.lineup.change import ChangeKind, EngineChange, EngineCondition
from engine.lineup.place import Place, no_memory
from engine.lineup.preparation import Preparation
from engine.parity import ParityGate

log = logging.getLogger(__name__)

_KEPT_SIZES = 4
_PARTING_S = 2.0
"""How long `close` waits for a preparation under way, seconds."""

T = TypeVar("T")


class LineUp:
    """Back ends in order of preference, one of which serves. Belongs to one thread at a time.

    A frame runs whole on one back end: swaps happen between two frames, and a frame whose back end was
    lost is done again from its beginning on the next.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        gate: ParityGate,
        settings: LineUpSettings | None = None,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open what is to serve first, through the gate; better ones that are slow come behind.

        Raises the EngineError of the candidate that must start, or, where none can, the last one's with
        what was wrong with each.
        """
        self._gate = gate
        self._settings = settings or LineUpSettings()
        self._seconds = seconds
        self._places = [Place(candidate) for candidate in candidates]
        self._sizes: list[tuple[int, int]] = []
        self._changes: list[EngineChange] = []
        self._preparing: tuple[Place, Preparation] | None = None
        self._serving: Place | None = None
        self._described = ""
        self._lost_all = False
        self._serve(self._first())
        self._prepare_better()

    @property
    def describe(self) -> str:
        """What serves, such as `openvino bf16`; what served last where nothing does."""
        return self._described

    @property
    def condition(self) -> EngineCondition:
        """How the line-up stands now."""
        serving = self._serving
        if serving is None:
            return EngineCondition(True, "no back end works")
        missing = [
            place
            for place in self._places[: self._places.index(serving)]
            if place.loss is not None and not place.absent
        ]
        if not missing:
            return EngineCondition(False, f"{self._described} runs")
        first = missing[0]
        return EngineCondition(
            True, f"{self._described} runs in place of {first.name} ({first.cause}: {first.loss})"
        )

    def take_changes(self) -> tuple[EngineChange, ...]:
        """What changed since the last call, in order; and which compiled files were refused, by what serves."""
        if self._serving is not None and self._serving.backend is not None:
            for notice in self._serving.backend.take_notices():
                self._tell(
                    ChangeKind.REFUSED, f"{self._described} runs without a file: {notice}", self._described
                )
        taken = tuple(self._changes)
        self._changes.clear()
        return taken

    def prepare(self, height: int, width: int) -> None:
        """Compile for tiles of this size, px; a back end that comes later is compiled for it, too."""
        self._note(height, width)
        self.run(lambda backend: backend.prepare(height, width), (height, width))

    def run(self, work: Callable[[SegmentationBackend], T], size: tuple[int, int]) -> tuple[T, str]:
        """Do a frame's work, on tiles of `size` (height, width) px, and give its result and what ran.

        `work` may be called again, from its beginning, with another back end. Raises the BackendError of
        the last back end where none is left, or of the first that is lost where the settings say `stop`.
        """
        self._note(*size)
        self._adopt()
        lost: list[Place] = []
        while True:
            place = self._serving or self._next(lost)
            assert place.backend is not None, "what serves is open"
            try:
                result = work(place.backend)
            except BackendError as error:
                loss = error
            except MemoryError as error:
                loss = no_memory("for a frame", error)
            else:
                self._lost_all = False
                self._prepare_better()
                return result, place.backend.describe()
            if self._settings.on_loss == "stop":
                self._tell(ChangeKind.LOST, f"{place.name} was lost ({loss.cause}): {loss}", "", loss.cause)
                raise loss
            self._lose(place, loss)
            self._step_in(place, loss, lost)

    def close(self) -> None:
        """Free every back end; may be called twice."""
        if self._preparing is not None:
            self._preparing[1].abandon(_PARTING_S)
            self._preparing = None
        for place in self._places:
            place.close()
        self._serving = None

    def _first(self) -> Place:
        if self._settings.first_must_start:
            place = self._places[0]
            place.backend = place.open(self._gate, self._sizes_in_use, anew=False)
            return place
        quick = [place for place in self._places if not place.candidate.slow]
        slow = [place for place in self._places if place.candidate.slow]
        failures = []
        for place in (*quick, *slow):
            try:
                place.backend = place.open(self._gate, self._sizes_in_use, anew=False)
            except BackendError as error:
                self._rest(place, error)
                failures.append(error)
            else:
                for refused in self._places:
                    if refused.loss is not None:
                        self._refuse(refused, refused.loss, place.name)
                return place
        if len(failures) == 1:
            raise failures[0]
        wrong = "; ".join(f"{place.name}: {place.loss}" for place in self._places)
        raise BackendError(f"No back end can serve. {wrong}") from failures[-1]

    def _serve(self, place: Place) -> None:
        assert place.backend is not None, "what serves is open"
        self._serving = place
        self._described = place.backend.describe()
        place.loss = None
        place.since_s = self._seconds()

    def _rest(self, place: Place, loss: BackendError) -> None:
        place.rest(loss, self._settings, self._seconds())

    def _lose(self, place: Place, loss: BackendError) -> None:
        """Close a back end that failed, and let it rest."""
        served_s = self._seconds() - place.since_s
        if served_s > self._settings.stable_s:
            place.pause_s = 0.0
        place.lost_before = True
        self._rest(place, loss)
        self._serving = None

    def _step_in(self, place: Place, loss: BackendError, lost: list[Place]) -> None:
        """Find what serves after a loss and tell it; raises the loss where nothing does."""
        what = f"{self._described} was lost ({loss.cause}): {loss}"
        # Made anew and failed again, or the last resort when all had failed in the frame before: the frame is lost.
        hopeless = place in lost or (self._lost_all and place is self._last_resort)
        lost.append(place)
        try:
            if hopeless:
                raise loss
            following = self._next(lost)
        except BackendError:
            if not self._lost_all:
                self._tell(
                    ChangeKind.LOST,
                    f"{what} No back end is left; the next frame tries again.",
                    "",
                    loss.cause,
                )
            self._lost_all = True
            raise
        if self._lost_all:  # that was told
            return
        now = "is made anew and" if following is place else f"gives way to {following.name}, which"
        self._tell(ChangeKind.LOST, f"{what} It {now} does the same frame again.", following.name, loss.cause)

    def _next(self, lost: Sequence[Place]) -> Place:
        """Let the best back end serve that is not resting; where all are, the last one, made anew."""
        now_s = self._seconds()
        error: BackendError | None = None
        for place in self._places:
            closed = place.backend is None
            if place in lost or (closed and (place.candidate.slow or not place.may_be_tried(now_s))):
                continue
            try:
                return self._taken(place)
            except BackendError as failure:
                error = failure
                self._rest(place, failure)
        try:
            return self._taken(self._last_resort)
        except BackendError as failure:
            self._rest(self._last_resort, failure)
            raise failure from error

    @property
    def _last_resort(self) -> Place:
        """What every frame can count on to be tried: the last of those that are ready in seconds."""
        quick = [place for place in self._places if not place.candidate.slow]
        return (quick or self._places)[-1]

    def _taken(self, place: Place) -> Place:
        if place.backend is None:
            place.backend = place.open(self._gate, self._sizes_in_use, anew=False)
        self._serve(place)
        return place

    def _prepare_better(self) -> None:
        """Begin to make the best back end ready that is above the one that serves and not resting."""
        if self._preparing is not None or self._serving is None:
            return
        now_s = self._seconds()
        for place in self._places[: self._places.index(self._serving)]:
            if place.may_be_tried(now_s):
                make = partial(place.open, self._gate, self._sizes_in_use, anew=place.lost_before)
                self._preparing = place, Preparation(place.candidate.name, make)
                return

    def _adopt(self) -> None:
        """Between two frames: let a better back end that is ready take over."""
        if self._preparing is None or not self._preparing[1].done:
            return
        place, preparation = self._preparing
        self._preparing = None
        outcome = preparation.outcome()
        if place.backend is not None:  # it was made anew in the meantime, for want of any other
            if not isinstance(outcome, EngineError):
                outcome.close()
            return
        if isinstance(outcome, EngineError):
            before = place.cause
            loss = outcome if isinstance(outcome, BackendError) else BackendError(str(outcome))
            self._rest(place, loss)
            if before is not loss.cause:
                self._refuse(place, loss, self._described)
            return
        place.backend = outcome
        better = self._serving is None or self._places.index(place) < self._places.index(self._serving)
        if better:
            before_it = self._described
            self._serve(place)
            self._tell(
                ChangeKind.SWAPPED,
                f"{self._described} takes over from {before_it}, parity shown",
                self._described,
            )

    def _refuse(self, place: Place, loss: BackendError, running: str) -> None:
        message = f"{place.name} does not serve ({loss.cause}): {loss} {running} runs."
        self._tell(ChangeKind.REFUSED, message, running, loss.cause)

    def _tell(self, kind: ChangeKind, message: str, backend: str, cause: LossCause | None = None) -> None:
        level = logging.INFO if kind is ChangeKind.SWAPPED else logging.WARNING
        log.log(level, "%s", message)
        self._changes.append(EngineChange(kind, message, backend, cause))

    def _sizes_in_use(self) -> tuple[tuple[int, int], ...]:
        return tuple(self._sizes)

    def _note(self, height: int, width: int) -> None:
        if (height, width) in self._sizes:
            return
        self._sizes = [*self._sizes, (height, width)][-_KEPT_SIZES:]
