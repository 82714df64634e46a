"""The protocols of places that alerts are sent to, and how they are loaded by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from monitor.errors import UserError
from monitor.records import AlertNotice
from monitor.records.alert import FieldNow
from monitor.settings.base import SettingsModel
from monitor.settings.secrets import Secret
from monitor.settings.sinks import AddedSinkSettings, SinkSettings

ENTRY_POINT_GROUP = "crystal_monitor.alert_sinks"

SinkOptions = Mapping[str, str | int | float | bool | Secret]


@runtime_checkable
class AlertSink(Protocol):
    """A place that alerts are sent to after they are stored.

    Order: `send` gets notices with rising `event_id`, but for summaries and reminders; the next one comes when the last
    was taken or given up. After a failure or a restart the same one comes again, under the same `key`. Thread: one
    thread of the sink's own calls everything but the construction, never two calls at once. Failure: raise
    `AlertSinkError` (or OSError) for a notice that could not be sent: it is kept and sent again; `AlertRefusedError`
    for one that will never be taken. Neither message may hold a secret. A sink bounds its own waiting to some
    seconds; one that does not holds up nothing but itself.
    """

    def send(self, notice: AlertNotice) -> None:
        """Send one alert; return when it was taken. Raises AlertSinkError where that failed."""

    def close(self) -> None:
        """Release what the sink holds; called once, last."""


@runtime_checkable
class FieldStateSink(Protocol):
    """A sink that also shows how each field is now; on the same thread as `send`."""

    def show(self, now: FieldNow) -> None:
        """Show this in place of the field's last. Raises AlertSinkError where that failed: the newest comes again."""


@runtime_checkable
class TrialSink(Protocol):
    """A sink that can be tried beside the running daemon without touching what that one keeps there."""

    def on_trial(self) -> None:
        """Called before the first `send` of a test."""


SinkFactory = Callable[[SinkOptions], AlertSink]
"""What an entry point names: takes the sink's options; raises UserError for options it cannot use."""

# Each imported when it is asked for: requests, paho-mqtt and apprise take their time.
_BUILT_IN: Mapping[str, tuple[str, str]] = {
    "log": ("log", "LogSink"),
    "zeromq": ("zeromq", "ZeroMqSink"),
    "webhook": ("webhook", "WebhookSink"),
    "mqtt": ("mqtt", "MqttSink"),
    "apprise": ("apprise_services", "AppriseSink"),
}


def available_sinks() -> tuple[str, ...]:
    """Names of all sinks: the built-in ones and those that installed packages add."""
    return tuple(sorted({*_BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))}))


def open_sink(settings: SinkSettings, station: str = "station") -> AlertSink:
    """The sink that the settings name; nothing is connected yet.

    Raises UserError for an unknown name, a broken package, wrong options, or a secret that cannot be read.
    """
    if isinstance(settings, AddedSinkSettings):
        return _added(settings.kind)(settings.options)
    return _built_in(settings.kind)(settings.options, station)


def check_sink(settings: SinkSettings, station: str = "station") -> None:
    """Whether it can be opened: its options and its secrets. Sends nothing, binds nothing. Raises UserError."""
    if isinstance(settings, AddedSinkSettings):
        _added(settings.kind)
        for value in settings.options.values():
            if isinstance(value, Secret):
                value.read_bytes()
        return
    _built_in(settings.kind).check(settings.options, station)


class _BuiltIn(Protocol):
    """A sink's class; its options are those of its own settings."""

    def __call__(self, options: SettingsModel, station: str) -> AlertSink: ...

    def check(self, options: SettingsModel, station: str) -> None: ...


def _built_in(kind: str) -> _BuiltIn:
    module, name = _BUILT_IN[kind]
    found: _BuiltIn = getattr(import_module(f"monitor.alerts.sinks.{module}"), name)
    return found


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
