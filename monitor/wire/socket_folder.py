"""The folder that a socket lives in: made where it is missing, refused where another user could replace it."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def make_socket_folder(folder: Path) -> None:
    """Make the folder, for this user alone; one that is there stays as it is.

    Raises OSError, with the reason in `strerror`, where it cannot be made, or where somebody else made it, or a
    folder above it, in a folder that is open to all, such as `/tmp`: they could put a socket of their own in the
    place of ours.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in (folder, *folder.parents):
        strange = place.stat().st_uid not in (0, os.getuid())
        if strange and place.parent.stat().st_mode & stat.S_ISVTX:
            raise PermissionError(1, "it belongs to another user", str(place))
