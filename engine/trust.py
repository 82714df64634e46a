"""Whether a file may be believed: one that others can write says what they will.

Engines and compiled kernels are code, and a passed gate lets a back end serve: none is read unasked.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.errors import EngineError

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UntrustedFileError(EngineError):
    """A file or folder that somebody else than root and the running user could have written; says how to mend it."""


def read_trusted(path: Path) -> bytes:
    """Read a file that nobody but root and the user who runs this could have written.

    File and all folders above it must belong to root or the running user and be writable by neither
    group nor others; a folder in which only owners may rename (sticky, as /tmp) will do above the last.
    What is given was read through the very file that was looked at. Raises UntrustedFileError,
    FileNotFoundError when there is no such file, and OSError when it cannot be read.
    """
    try:
        real = path.resolve(strict=True)
    except RuntimeError as error:  # links that go round in a circle, before Python 3.13
        raise UntrustedFileError(f"{path} cannot be read ({error}). Delete it.") from error
    for folder in real.parents:
        _check(folder, folder.stat(), sticky_will_do=folder != real.parent)
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UntrustedFileError(f"{real} is no plain file. Delete it.")
        _check(real, status, sticky_will_do=False)
        return stream.read()


def check_trusted_folder(folder: Path) -> None:
    """Raise UntrustedFileError for a folder from which `read_trusted` would read nothing."""
    real = folder.resolve()
    for each in (real, *real.parents):
        _check(each, each.stat(), sticky_will_do=each != real)


def _check(path: Path, status: os.stat_result, *, sticky_will_do: bool) -> None:
    kind = "folder" if stat.S_ISDIR(status.st_mode) else "file"
    if status.st_uid not in (0, os.geteuid()):
        raise UntrustedFileError(
            f"The {kind} {path} belongs to user {status.st_uid}, neither to root nor to the user {os.geteuid()} "
            f"who runs this, and is not believed. Run `chown root {path}` if you trust what it holds."
        )
    if status.st_mode & _OTHERS_MAY_WRITE and not (sticky_will_do and status.st_mode & stat.S_ISVTX):
        raise UntrustedFileError(
            f"The {kind} {path} may be written by others (mode {stat.S_IMODE(status.st_mode):04o}) and "
            f"is not believed. Run `chmod go-w {path}` if you trust what it holds."
        )
