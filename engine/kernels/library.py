"""The compiled kernels, loaded. ctypes lets go of the interpreter while one runs, so that threads share the work."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

from engine.errors import EngineError
from engine.kernels.compiling import LIBRARY, SOURCE, source_digest

NO_ROOM, BAD_LABEL, MANY_PAIRS = -1, -2, -3
"""What kernels return where the room did not suffice; where a label is negative or far larger than their number; where
the table of pairs is too small."""

_REMEDY = "Install crystal-monitor again, or in a clone run: python engine/kernels/compiling.py"

_INT, _FLOAT, _POINTER = ctypes.c_int64, ctypes.c_float, ctypes.c_void_p
_IMAGE = (_INT, _INT)
_ROOM = (_POINTER, _INT)
_SIGNATURES: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "kernels_sources": (ctypes.c_char_p, ()),
    "kernels_compiler": (ctypes.c_char_p, ()),
    "cut_rows": (ctypes.c_int, (_POINTER, _POINTER, *_IMAGE, _INT, _INT, _FLOAT, _FLOAT, _POINTER)),
    "halve": (None, (_POINTER, *_IMAGE, _POINTER)),
    "mend_leaks": (_INT, (_POINTER, _POINTER, *_IMAGE, _POINTER, _POINTER, _POINTER, *_ROOM)),
    "label_bodies": (
        _INT,
        (_POINTER, _POINTER, *_IMAGE, _POINTER, _POINTER, _POINTER, _INT, _POINTER, *_ROOM),
    ),
    "survey_regions": (_INT, (_POINTER, _POINTER, *_IMAGE, _POINTER, *_ROOM)),
    "look_around": (
        _INT,
        (_POINTER, _POINTER, *_IMAGE, _INT, _INT, _POINTER, _INT, _POINTER, _POINTER, _INT, *_ROOM),
    ),
    "measure_outlines": (
        _INT,
        (_POINTER, _POINTER, *_IMAGE, _POINTER, _POINTER, _POINTER, _INT, _INT, _POINTER, *_ROOM),
    ),
}


class KernelsMissingError(EngineError):
    """The compiled kernels are not there, cannot be loaded, or were made of other sources."""


@cache
def kernels() -> ctypes.CDLL:
    """The library, loaded when first asked for; raise KernelsMissingError with the remedy."""
    return load(LIBRARY)


def load(library: Path) -> ctypes.CDLL:
    """Load a library and check that it was compiled from the C files that lie here."""
    try:
        loaded = ctypes.CDLL(str(library))
    except OSError as error:
        raise KernelsMissingError(
            f"The compiled kernels {library} cannot be loaded ({error}). {_REMEDY}"
        ) from error
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise KernelsMissingError(
            f"The compiled kernels {library} are of another version ({error}). {_REMEDY}"
        ) from error
    if SOURCE.is_dir() and loaded.kernels_sources().decode() != source_digest():
        raise KernelsMissingError(f"The compiled kernels {library} are older than their sources. {_REMEDY}")
    return loaded


def compiler() -> str:
    """The compiler that made the kernels, as it names itself."""
    return str(kernels().kernels_compiler().decode())
