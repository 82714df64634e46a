"""What can be wrong with an engine; of the engine room's tree of errors."""

from __future__ import annotations

from engine.errors import BackendError


class EngineBuildError(BackendError):
    """A network that could not be built into one whole TensorRT engine."""


class EngineRefusedError(BackendError):
    """A file of compiled code that must not be loaded; `reason` says why in one word."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the reason: untrusted, corrupt, stale, foreign, version or capability."""
        super().__init__(message)
        self.reason = reason
