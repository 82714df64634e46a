"""The simulated microscope: crystals grow and meet, seen in bright field, with exact truth."""

from monitor.simulation.microscope import Shot, SimulatedMicroscope
from monitor.simulation.presets import PRESETS
from monitor.simulation.scene_families import SCENE_FAMILIES
from monitor.simulation.scenes import training_scene
from monitor.simulation.truth import Birth, ContactTruth, CrystalTruth, FrameTruth, MergeTruth, RunTruth

__all__ = [
    "PRESETS",
    "SCENE_FAMILIES",
    "Birth",
    "ContactTruth",
    "CrystalTruth",
    "FrameTruth",
    "MergeTruth",
    "RunTruth",
    "Shot",
    "SimulatedMicroscope",
    "training_scene",
]
