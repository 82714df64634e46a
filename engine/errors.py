"""The engine's tree of errors; every message says what is wrong, the value, and the remedy."""

from __future__ import annotations

from enum import StrEnum


class LossCause(StrEnum):
    """Why a back end does not serve; a closed set."""

    OUT_OF_MEMORY = "out_of_memory"
    """The machine or the card had no memory left."""
    DEVICE_LOST = "device_lost"
    """The card is gone or must be reset: unplugged, fallen off the bus, driver restarted."""
    PARITY = "parity"
    """It does not compute what the reference computes."""
    UNAVAILABLE = "unavailable"
    """What it needs is not installed or not in this machine."""
    FAILED = "failed"
    """It failed in another way; the message says how."""
    CRASHED = "crashed"
    """Its preparation ended without a verdict: a fault in the program; the log has the trace."""


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

    cause = LossCause.FAILED
    """What kind of failure it was."""


class BackendUnavailableError(BackendError):
    """A back end that was named cannot run on this machine; nothing else is taken in its place."""

    cause = LossCause.UNAVAILABLE


class BackendMemoryError(BackendError):
    """A back end had no memory left, on the machine or on the card."""

    cause = LossCause.OUT_OF_MEMORY


class DeviceLostError(BackendError):
    """The card that a back end runs on is gone, or must be reset."""

    cause = LossCause.DEVICE_LOST


class ParityError(BackendError):
    """A back end does not compute what the reference computes; it must not serve."""

    cause = LossCause.PARITY
