"""Places that alerts are sent to after they are stored: an open set, loaded by name."""

from monitor.alerts.sinks.failure import AlertSinkError
from monitor.alerts.sinks.log import LogSink
from monitor.alerts.sinks.publisher import AlertPublisher, SinkFailure
from monitor.alerts.sinks.sink import AlertSink, SinkFactory, available_sinks, open_sink
from monitor.alerts.sinks.zeromq import ZeroMqSink

__all__ = [
    "AlertPublisher",
    "AlertSink",
    "AlertSinkError",
    "LogSink",
    "SinkFactory",
    "SinkFailure",
    "ZeroMqSink",
    "available_sinks",
    "open_sink",
]
