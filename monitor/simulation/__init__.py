"""The simulated microscope: crystals grow and meet, seen in bright field, with exact truth."""

from monitor.simulation.scenes import training_scene

__all__ = ["training_scene"]
