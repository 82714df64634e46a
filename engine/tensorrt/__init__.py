"""TensorRT: engines built ahead of time without a card, or on the card, and run there. Importing it is light."""

from engine.tensorrt.building import COMPUTE_CAPABILITIES, BuiltEngine, build_engine, write_engine
from engine.tensorrt.engine_card import EngineCard, EngineOrder, Precision
from engine.tensorrt.errors import EngineBuildError, EngineRefusedError
from engine.tensorrt.orders import orders_for
from engine.tensorrt.shelf import ObtainedEngine, ShelfReport, look_at_shelf, obtain_engine, read_engine

__all__ = [
    "COMPUTE_CAPABILITIES",
    "BuiltEngine",
    "EngineBuildError",
    "EngineCard",
    "EngineOrder",
    "EngineRefusedError",
    "ObtainedEngine",
    "Precision",
    "ShelfReport",
    "build_engine",
    "look_at_shelf",
    "obtain_engine",
    "orders_for",
    "read_engine",
    "write_engine",
]
