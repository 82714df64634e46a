"""The process's one OpenVINO: loaded once, silent, and never given up."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from engine.backends.no_telemetry import silence_openvino

_loading = threading.Lock()


def openvino_core() -> Any:
    """The `openvino.Core` of this process, the same for all threads. Raises ImportError where OpenVINO is missing.

    OpenVINO's plug-in for the processor gives the thread that loads it a stack of its own for signals, and when it is
    given up takes back that of the thread that does so. Where that is another thread, the first is left with a stack
    that is no longer there, and its next signal, be it SIGTERM, ends the process on the spot.
    """
    with _loading:
        silence_openvino()
        import openvino  # noqa: PLC0415 - heavy, and only this back end needs it

        return _core(openvino.Core)


@functools.cache
def _core(make: Callable[[], Any]) -> Any:
    return make()
