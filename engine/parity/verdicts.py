"""Back ends that passed the gate on this machine, one small file each, so that a warm start need not ask again.

A verdict lets a back end serve: like an engine it is believed only where nobody else could have written it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
from importlib import metadata
from pathlib import Path

from engine.card import ModelCard
from engine.kernels.library import kernels
from engine.parity.agreement import ParityFigures
from engine.parity_limits import ParityLimits
from engine.trust import UntrustedFileError, read_trusted

_LOG = logging.getLogger("engine.parity")
FORMAT = 1
KEPT_FILES = 32
_WHAT_COUNTS = (
    "crystal-monitor",
    "numpy",
    "opencv-python-headless",
    "openvino",
    "onnxruntime",
    "torch",
    "torch-tensorrt",
    "torch-tensorrt-rtx",
    "tensorrt",
    "tensorrt-rtx",
)
"""Distributions whose version may change what is computed."""
_DRIVER = Path("/proc/driver/nvidia/version")
_CARDS = Path("/proc/driver/nvidia/gpus")
_PROCESSOR = Path("/proc/cpuinfo")


class Verdicts:
    """Passed gates on disk. Only passing is remembered; a file that cannot be read or written is as none."""

    def __init__(self, cache: Path | None) -> None:
        """`cache` is the folder for compiled models; None remembers nothing."""
        self._folder = cache / "parity" if cache is not None else None

    def key(self, card: ModelCard, described: str, identity: str, limits: ParityLimits) -> str:
        """What a verdict holds for: weights, parity frames, back end, versions, kernels, processor, driver, limits."""
        if self._folder is None:
            return ""
        parts = [
            FORMAT,
            card.safetensors_sha256,
            card.onnx_sha256,
            card.parity_sha256,
            card.thresholds.to_json(),
        ]
        parts += [
            card.positive_weights,
            described,
            identity,
            limits.to_json(),
            _versions(),
            _kernels(),
            _machine(),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def recall(self, key: str) -> ParityFigures | None:
        """Figures of a back end that passed before, or None."""
        if self._folder is None:
            return None
        try:
            stored = json.loads(read_trusted(self._folder / f"{key}.json"))
            return ParityFigures(**stored["figures"]) if stored["key"] == key else None
        except UntrustedFileError as refused:
            _LOG.warning("a gate that was passed before is asked again: %s", refused)
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, key: str, described: str, figures: ParityFigures) -> None:
        """Write a verdict; the oldest beyond `KEPT_FILES` go."""
        if self._folder is None:
            return
        path = self._folder / f"{key}.json"
        staged = path.with_suffix(f".{os.getpid()}.new")
        text = json.dumps({"key": key, "backend": described, "figures": figures.to_json()}, indent=1)
        try:
            self._folder.mkdir(mode=0o755, exist_ok=True)
            staged.write_text(text + "\n", encoding="utf-8")
            staged.chmod(0o640)  # whatever the umask: what the group may write is not believed
            staged.replace(path)
            kept = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
            for file in kept[KEPT_FILES:]:
                file.unlink(missing_ok=True)
        except OSError:  # the gate is passed again at the next start
            return


def _kernels() -> list[str]:
    library = kernels()
    return [library.kernels_sources().decode(), library.kernels_compiler().decode()]


def _versions() -> dict[str, str]:
    found = {}
    for name in _WHAT_COUNTS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> list[str]:
    told = [platform.machine(), platform.system()]
    try:
        lines = _PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines()
        told += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    except OSError:
        told.append(platform.processor())
    with contextlib.suppress(OSError):  # no card
        told.append(_DRIVER.read_text(encoding="utf-8", errors="replace"))
        told += sorted(
            file.read_text(encoding="utf-8", errors="replace") for file in _CARDS.glob("*/information")
        )
    return told
