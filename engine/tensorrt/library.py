"""The TensorRT library that is installed, and what it has to say."""

from __future__ import annotations

import logging
from typing import Any

from engine.errors import BackendUnavailableError

_LOG = logging.getLogger("engine.tensorrt")


def load_library() -> Any:
    """Give the module `tensorrt_rtx`, or `tensorrt` (the standard build, for data-centre cards).

    Raises BackendUnavailableError when neither is installed or its shared library cannot be loaded.
    """
    try:
        import tensorrt_rtx  # noqa: PLC0415 - 200 MB, and only this back end needs it
    except (ImportError, OSError) as rtx_error:
        try:
            import tensorrt  # noqa: PLC0415
        except (ImportError, OSError):
            raise BackendUnavailableError(
                f"TensorRT for RTX is not installed ({rtx_error}). "
                "Run `pip install 'crystal-monitor[rtx]'` on Linux x86-64, or name the back end openvino."
            ) from rtx_error
        return tensorrt
    return tensorrt_rtx


def is_rtx(library: Any) -> bool:
    """Whether this is TensorRT for RTX, which builds without a card and compiles its kernels on it."""
    return hasattr(library, "ComputeCapability")


def library_version(library: Any) -> str:
    """Name and version of the library as it stands in an engine's card, such as `tensorrt_rtx 1.6.1.120`."""
    name = "tensorrt_rtx" if is_rtx(library) else "tensorrt"
    return f"{name} {library.__version__}"


def make_logger(library: Any) -> Any:
    """Give a logger of the library's that writes to Python's logging and keeps its errors.

    `errors` is the list of what was reported as an error; the caller empties it.
    """

    class Logger(library.ILogger):  # type: ignore[misc]  # the base is known at run time only
        def __init__(self) -> None:
            library.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity <= library.ILogger.ERROR:
                self.errors.append(message.strip())
                _LOG.debug("%s", message)  # the error that is raised says it
            elif severity == library.ILogger.WARNING:
                _LOG.info("%s", message)

    return Logger()


def last_words(logger: Any) -> str:
    """What the library reported as errors since last asked, in one line."""
    words = "; ".join(logger.errors) or "it gave no reason"
    logger.errors.clear()
    return words
