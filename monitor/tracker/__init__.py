"""Tracking: the observations of each frame become trails of crystals with numbers that are never reused."""

from monitor.tracker.identities import identities
from monitor.tracker.state import TrackerInput, TrackerState
from monitor.tracker.step import step

__all__ = ["TrackerInput", "TrackerState", "identities", "step"]
