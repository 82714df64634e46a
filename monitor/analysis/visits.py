"""How long each field has gone without a frame, beyond what the station's round through its fields explains. Pure.

A station with several wells comes back to each of them after a while, and until then that field is not silent. What is
expected of a field is how long it was away the last times; of one that has never been come back to, how long the
others were. As long as nobody has been come back to, the first round goes on, and only a silence of all counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from monitor.clock import Instant

_LATE = 1.5
"""A field is overdue when it was away this many times longer than usual."""
_ROUNDS = 3


@dataclass(slots=True)
class _Visit:
    last: Instant
    left: bool = False
    away_s: deque[float] = field(default_factory=lambda: deque(maxlen=_ROUNDS))


class Visits:
    """When each field was last seen, on the real clock."""

    def __init__(self) -> None:
        """No field was seen."""
        self._visits: dict[str, _Visit] = {}

    def see(self, name: str, now: Instant) -> None:
        """A frame of the field came."""
        for other, visit in self._visits.items():
            visit.left |= other != name
        known = self._visits.get(name)
        if known is None:
            self._visits[name] = _Visit(now)
            return
        if known.left:
            known.away_s.append(now.seconds_since(known.last))
        known.last, known.left = now, False

    def expect(self, name: str, now: Instant, away_s: float | None) -> None:
        """After a restart: from now on the field counts as one that was seen.

        `away_s`: longest time between its last frames, as the store has it; None where there were too few.
        """
        self._visits[name] = _Visit(now)
        if away_s is not None:
            self._visits[name].away_s.append(away_s)

    def silent_s(self, name: str, now: Instant) -> float:
        """Seconds that the field has been silent although frames were to be expected; 0 for an unknown one."""
        visit = self._visits.get(name)
        if visit is None:
            return 0.0
        own_s = now.seconds_since(visit.last)
        nobody_s = min(now.seconds_since(other.last) for other in self._visits.values())
        if not visit.left:
            return own_s
        usual_s = max(visit.away_s or self._others_away_s(), default=None)
        if usual_s is None or own_s <= _LATE * usual_s:
            return nobody_s
        return own_s

    def _others_away_s(self) -> list[float]:
        return [away_s for visit in self._visits.values() for away_s in visit.away_s]
