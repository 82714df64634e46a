"""Processes: supervising grabber and analysis, stopping them, running the demonstration and the acceptance test."""

from monitor.service.lifetime import end_with_supervisor, stop_on_signals
from monitor.service.supervisor import Supervisor

__all__ = ["Supervisor", "end_with_supervisor", "stop_on_signals"]
