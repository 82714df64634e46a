"""The protocol of places that alerts are sent to, and how they are loaded by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from monitor.alerts.sinks.log import LogSink
from monitor.alerts.sinks.zeromq import ZeroMqSink
from monitor.errors import UserError
from monitor.records import AlertNotice
from monitor.settings.alerts import SinkSettings

ENTRY_POINT_GROUP = "crystal_monitor.alert_sinks"

SinkOptions = Mapping[str, str | int | float | bool]


@runtime_checkable
class AlertSink(Protocol):
    """A place that alerts are sent to after they are stored.

    Order: `send` gets notices with rising `event_id`; after a restart some may come again. Thread: one thread
    of the sink's own calls `send` and `close`, never two calls at once; construction is in the main thread.
    Failure: raise `AlertSinkError` (or OSError) for a notice that could not be sent; it is reported and not
    sent again, the next one is tried as usual, and the acquisition goes on whatever a sink does. A sink
    bounds its own waiting to a few seconds: while it is busy, further notices for it are counted as unsent.
    """

    def send(self, notice: AlertNotice) -> None:
        """Send one alert. Raises AlertSinkError where that failed."""

    def close(self) -> None:
        """Release what the sink holds; called once, last."""


SinkFactory = Callable[[SinkOptions], AlertSink]
"""What an entry point names: takes the sink's options; raises UserError for options it cannot use."""

_BUILT_IN: Mapping[str, SinkFactory] = {"log": LogSink, "zeromq": ZeroMqSink}


def available_sinks() -> tuple[str, ...]:
    """Names of all sinks: the built-in ones and those that installed packages add."""
    return tuple(sorted({*_BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))}))


def open_sink(settings: SinkSettings) -> AlertSink:
    """The sink that the settings name. Raises UserError for an unknown name, a broken package, or wrong
    options."""
    factory = _BUILT_IN.get(settings.kind)
    if factory is None:
        factory = _added(settings.kind)
    return factory(settings.options)


def _added(kind: str) -> SinkFactory:
    points: list[EntryPoint] = [p for p in entry_points(group=ENTRY_POINT_GROUP) if p.name == kind]
    if not points:
        raise UserError(
            f"there is no alert sink {kind!r}; available: {', '.join(available_sinks())}. "
            "Correct `alerts.sinks` in the settings or install the package that adds it."
        )
    try:
        loaded: object = points[0].load()
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"the alert sink {kind!r} ({points[0].value}) cannot be loaded: {error}. "
            "Mend or remove the package that adds it."
        ) from error
    if not callable(loaded):
        raise UserError(f"the alert sink {kind!r} ({points[0].value}) is no factory: it must be callable.")
    factory: SinkFactory = loaded
    return factory
