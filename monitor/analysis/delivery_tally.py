"""Counts what becomes of alerts on their way to the sinks, from the outbox as it stands at each reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from monitor.records.vocabulary import DeliveryState
from monitor.store import TrailReader

_BATCH = 5_000
_DONE = (DeliveryState.SENT, DeliveryState.GIVEN_UP)


class DeliveryTally:
    """Since it was made. Use from one thread at a time."""

    def __init__(self, station: str, sinks: Sequence[str], reader: TrailReader) -> None:
        """`sinks` show from the start: a rate needs a first zero."""
        self._station = station
        self.outcomes = Counter({(sink, state.value): 0 for sink in sinks for state in _DONE})
        """By sink and outcome."""
        self.failed_attempts = Counter(dict.fromkeys(sinks, 0))
        """By sink."""
        self._sinks = tuple(sinks)
        self._waiting: dict[int, tuple[str, int]] = {}
        for number, sink, _, attempts in reader.deliveries_waiting(station):
            self._waiting[number] = (sink, attempts)
        self._newest = reader.newest_delivery()

    @property
    def pending(self) -> dict[str, int]:
        """How many wait, by sink."""
        counts = Counter(sink for sink, _ in self._waiting.values())
        return {sink: counts[sink] for sink in (*self._sinks, *counts)}

    def read(self, reader: TrailReader) -> None:
        """Count what has changed."""
        waiting = sorted(self._waiting)
        for start in range(0, len(waiting), _BATCH):
            asked = waiting[start : start + _BATCH]
            found = reader.deliveries_of(asked)
            self._count(found)
            for number in set(asked).difference(row[0] for row in found):
                del self._waiting[number]  # removed with its run: it waits no more
        while True:
            rows = reader.deliveries_after(self._station, self._newest, _BATCH)
            self._count(rows)
            if rows:
                self._newest = rows[-1][0]
            if len(rows) < _BATCH:
                return

    def _count(self, rows: Iterable[tuple[int, str, str, int]]) -> None:
        for number, sink, state, attempts in rows:
            _, seen = self._waiting.pop(number, (sink, 0))
            self.failed_attempts[sink] += attempts - seen - (state == DeliveryState.SENT)
            if state in _DONE:
                self.outcomes[sink, state] += 1
            else:
                self._waiting[number] = (sink, attempts)
