"""An instrument calls nobody: OpenVINO reports each import to its makers, and makes a number in the user's home."""

from __future__ import annotations

import sys


def silence_openvino() -> None:
    """Before OpenVINO is first imported: take the module away that would report; it has a silent stand-in."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: an import of it fails
