"""Back ends: what runs the network."""

from engine.backends.choice import BACKENDS, create_backend
from engine.backends.contract import SegmentationBackend

__all__ = ["BACKENDS", "SegmentationBackend", "create_backend"]
