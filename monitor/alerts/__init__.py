"""Alert rules (pure) and the sinks that alerts are sent to."""

from monitor.alerts.reading import AlertInput
from monitor.alerts.step import AlertState, step

__all__ = ["AlertInput", "AlertState", "step"]
