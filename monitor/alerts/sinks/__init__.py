"""Places that alerts are sent to after they are stored: an open set, loaded by name."""

from monitor.alerts.sinks.courier import Courier, CourierOrders
from monitor.alerts.sinks.failure import AlertRefusedError, AlertSinkError
from monitor.alerts.sinks.post import AlertPost
from monitor.alerts.sinks.sink import (
    AlertSink,
    FieldStateSink,
    SinkFactory,
    TrialSink,
    available_sinks,
    check_sink,
    open_sink,
)

__all__ = [
    "AlertPost",
    "AlertRefusedError",
    "AlertSink",
    "AlertSinkError",
    "Courier",
    "CourierOrders",
    "FieldStateSink",
    "SinkFactory",
    "TrialSink",
    "available_sinks",
    "check_sink",
    "open_sink",
]
