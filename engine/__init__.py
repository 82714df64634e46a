"""The engine: from a microscope image to labelled crystals. Importing it is light: no torch, no OpenVINO."""

from engine.card import ModelCard, available_models, load_card
from engine.change_gate import ChangeGate
from engine.errors import EngineError, WeightsMismatchError
from engine.segmenter import Segmentation, Segmenter

__all__ = [
    "ChangeGate",
    "EngineError",
    "ModelCard",
    "Segmentation",
    "Segmenter",
    "WeightsMismatchError",
    "available_models",
    "load_card",
]
