"""Calls all sinks with what was committed, and reports what failed: all of it, and without ever stopping the
caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Self

from monitor.alerts.sinks.sink import AlertSink
from monitor.records import AlertNotice

_CLOSE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class SinkFailure:
    """One notice that one sink did not get."""

    sink: str
    """The sink's name."""
    event_id: int
    """The notice's row in `event_log`."""
    message: str
    """What failed, in the user's terms."""


class AlertPublisher:
    """Sends notices to every sink, each in a thread of its own, so that none can hold up another or the
    caller.

    Called from one thread. A failure of any kind in a sink is a value here: an alert is in the store already,
    and no listener may stop the acquisition or fail without being reported.
    """

    def __init__(self, sinks: Mapping[str, AlertSink], timeout_s: float = 1.0) -> None:
        """`sinks` by name; `publish` waits at most `timeout_s` seconds in all."""
        self._sinks = dict(sinks)
        self._timeout_s = timeout_s
        self._threads = {
            name: ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"alert-{name}")
            for name in self._sinks
        }
        self._busy: dict[str, tuple[int, Future[None]]] = {}

    def __enter__(self) -> Self:
        """Itself: close() is called at the end of the `with` block."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close every sink."""
        self.close()

    def publish(self, notices: Sequence[AlertNotice]) -> tuple[SinkFailure, ...]:
        """Send `notices` in order to every sink; what failed, late failures of earlier notices included.

        A sink that is still busy with an earlier notice gets none of these: each is reported as failed.
        """
        failures = self._late_failures()
        pending: list[tuple[str, int, Future[None]]] = []
        for name, sink in self._sinks.items():
            for notice in notices:
                if name in self._busy:
                    failures.append(
                        SinkFailure(name, notice.event_id, f"still busy with alert {self._busy[name][0]}")
                    )
                    continue
                future = self._threads[name].submit(sink.send, notice)
                pending.append((name, notice.event_id, future))
        wait([future for _, _, future in pending], timeout=self._timeout_s)
        for name, event_id, future in pending:
            if future.done():
                failures += _failure(name, event_id, future)
            elif future.cancel():
                failures.append(SinkFailure(name, event_id, f"not sent within {self._timeout_s:g} s"))
            else:
                self._busy[name] = (event_id, future)
        return tuple(failures)

    def close(self) -> tuple[SinkFailure, ...]:
        """Close every sink; what failed. A sink that hangs is left behind after 2 s."""
        failures = self._late_failures()
        closing = [
            (name, 0, self._threads[name].submit(sink.close))
            for name, sink in self._sinks.items()
            if name not in self._busy
        ]
        wait([future for _, _, future in closing], timeout=_CLOSE_TIMEOUT_S)
        for name, event_id, future in closing:
            failures += _failure(name, event_id, future) if future.done() else []
        for thread in self._threads.values():
            thread.shutdown(wait=False, cancel_futures=True)
        self._sinks.clear()
        return tuple(failures)

    def _late_failures(self) -> list[SinkFailure]:
        """Failures of sends that were still under way when an earlier `publish` returned."""
        failures: list[SinkFailure] = []
        for name, (event_id, future) in list(self._busy.items()):
            if future.done():
                del self._busy[name]
                failures += _failure(name, event_id, future)
        return failures


def _failure(name: str, event_id: int, future: Future[None]) -> list[SinkFailure]:
    error = future.exception()
    if error is None:
        return []
    return [SinkFailure(name, event_id, f"{type(error).__name__}: {error}")]
