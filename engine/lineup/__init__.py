"""The line-up: which back end serves, which is being made ready behind it, and what follows when one is lost."""

from engine.lineup.candidate import Candidate, LineUpSettings, OnLoss
from engine.lineup.change import ChangeKind, EngineChange, EngineCondition
from engine.lineup.choice import LINE_UP, candidates_for
from engine.lineup.lineup import LineUp

__all__ = [
    "LINE_UP",
    "Candidate",
    "ChangeKind",
    "EngineChange",
    "EngineCondition",
    "LineUp",
    "LineUpSettings",
    "OnLoss",
    "candidates_for",
]
