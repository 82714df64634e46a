"""Metrics of a station for Prometheus: counted with every commit, served from threads that cannot delay the loop."""

from monitor.metrics.figures import EngineFigures, StationIdentity, StoreFigures, StreamFigures
from monitor.metrics.server import MetricsServer
from monitor.metrics.station_metrics import StationMetrics

__all__ = [
    "EngineFigures",
    "MetricsServer",
    "StationIdentity",
    "StationMetrics",
    "StoreFigures",
    "StreamFigures",
]
