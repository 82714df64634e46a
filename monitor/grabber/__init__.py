"""The grabber process: frames from the camera, served to the analysis, never blocked by it."""

from monitor.grabber.process import Grabber, run_grabber
from monitor.grabber.sight import Sight, Watch
from monitor.grabber.statistics import GrabberStatistics

__all__ = ["Grabber", "GrabberStatistics", "Sight", "Watch", "run_grabber"]
