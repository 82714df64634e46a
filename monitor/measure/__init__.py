"""Measuring: labels and probabilities of one frame become one `Observation` per crystal."""

from monitor.measure.measure import measure

__all__ = ["measure"]
