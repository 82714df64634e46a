"""The machine: versions, processor, memory, graphics card, clock."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from monitor.service.doctor.finding import Finding, ok, warn
from monitor.version import __version__

_PACKAGES = ("numpy", "opencv-python-headless", "openvino", "pyzmq", "sqlalchemy", "torch", "psycopg")
_FEATURES = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 bf16", "amx_bf16": "AMX bf16"}
_DRIVER = Path("/proc/driver/nvidia/version")
_NVIDIA = "0x10de"
_LEAST_MEMORY_BYTES = 2_000_000_000
_TIME_ERROR = 5
"""What adjtimex(2) answers while nothing keeps the clock right."""
_TIMEX_BYTES = 256


def look_at_machine() -> Iterator[Finding]:
    """Nothing here keeps a station from starting."""
    system = f"{platform.system()} {platform.release()}"
    yield ok("version", f"crystal-monitor {__version__}, Python {platform.python_version()}, {system}")
    yield ok("packages", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    yield _processor()
    yield _memory()
    yield _card()
    yield _clock()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "–"


def _processor() -> Finding:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    text = _read(Path("/proc/cpuinfo"))
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE)
    has = set(flags[1].split()) if flags else set()
    found = [shown for flag, shown in _FEATURES.items() if flag in has]
    says = f"{name[1] if name else platform.machine()}, {cores} cores, {', '.join(found) or 'no vector units known'}"
    if flags and not has & {"avx512_bf16", "amx_bf16"}:
        return warn(
            "processor",
            says,
            "without bf16 a frame takes about twice as long: take longer intervals, or a card",
        )
    return ok("processor", says)


def _memory() -> Finding:
    known = re.search(r"^MemAvailable:\s+(\d+) kB$", _read(Path("/proc/meminfo")), re.MULTILINE)
    if known is None:
        return ok("memory", "not known")
    free = int(known[1]) * 1024
    says = f"{free / 1e9:.2g} GB are free"
    if free < _LEAST_MEMORY_BYTES:
        return warn("memory", says, "end other programs: a station of 2048×2048 pixels takes up to 2 GB")
    return ok("memory", says)


def _card() -> Finding:
    driver = re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", _read(_DRIVER))
    if driver:
        return ok("graphics card", f"NVIDIA driver {driver[1]}")
    vendors = {
        _read(path).strip()
        for path in Path("/sys/bus/pci/devices").glob("*/vendor")
        if _is_display(path.parent)
    }
    if _NVIDIA in vendors:
        return warn(
            "graphics card",
            "an NVIDIA card is here, and its driver is not",
            "install the driver: see `nvidia-smi`",
        )
    return ok("graphics card", "no NVIDIA card: a processor serves")


def _is_display(device: Path) -> bool:
    return _read(device / "class").startswith("0x03")


def _clock() -> Finding:
    """Whether something keeps the wall clock right: adjtimex(2), asked without changing anything."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (AttributeError, OSError):
        state = -1
    if state == _TIME_ERROR:
        return warn(
            "clock",
            "nothing keeps this machine's clock right (growth rates do not depend on it; times of day do)",
            "switch on time synchronisation: timedatectl set-ntp true, or chrony",
        )
    return ok("clock", "is synchronised" if state >= 0 else "not known whether it is synchronised")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
