"""The folder where a back end keeps what it compiled; small, bounded, and never needed for being right."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from engine.errors import BackendError

KEPT_FILES = 8
"""Compiled graphs that are kept: the newest; one is about 8 MB, and there is one per frame size."""


def cache_folder(named: Path | None) -> Path | None:
    """Give the folder for compiled graphs: the named one, the unit's under systemd, or the user's.

    A named folder that cannot be made or written is a BackendError. Without a name, None where no
    folder can be written: then everything is compiled anew at each start.
    """
    if named is not None:
        try:
            return _writable(named)
        except OSError as error:
            raise BackendError(
                f"The folder for compiled models {named} cannot be used ({error.strerror}). "
                "Name one that can be written, or none."
            ) from error
    unit = os.environ.get("CACHE_DIRECTORY", "").split(":")[0]
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        if unit:
            return _writable(Path(unit) / "engine")
        return _writable((Path(base) if base else Path.home() / ".cache") / "crystal-monitor" / "engine")
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None


def tidy(folder: Path) -> None:
    """Delete all but the newest compiled graphs; others may be doing the same at the same time."""
    dated = []
    for path in folder.rglob("*.blob"):
        try:
            dated.append((path.stat().st_mtime, path))
        except FileNotFoundError:  # the other was faster
            continue
    for _, path in sorted(dated, reverse=True)[KEPT_FILES:]:
        with contextlib.suppress(OSError):  # a file that stays costs room, never a frame
            path.unlink(missing_ok=True)


def _writable(folder: Path) -> Path:
    # Engines for a card are kept here too, and are not loaded from where a group may write, as many a umask allows.
    for missing in reversed([place for place in (folder, *folder.parents) if not place.exists()]):
        missing.mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(13, "it cannot be written")
    return folder
