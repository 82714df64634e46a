"""The engine's tree of errors; every message says what is wrong, the value, and the remedy."""

from __future__ import annotations


class EngineError(Exception):
    """Root of every error that the engine raises on purpose."""


class ImageRefusedError(EngineError):
    """An image whose dtype, shape or size the engine cannot take."""


class ModelNotFoundError(EngineError):
    """A model that was named is neither shipped nor a readable file."""


class CardError(EngineError):
    """A model card that cannot be read, or lacks what the engine needs."""


class WeightsMismatchError(EngineError):
    """Weights that are not those their card describes: the hash or the names differ."""


class BackendError(EngineError):
    """A back end failed while compiling or running."""


class BackendUnavailableError(BackendError):
    """A back end that was named cannot run on this machine; nothing else is taken in its place."""
