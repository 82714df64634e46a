"""One owner for each socket: binding anew takes a Unix socket from whoever serves it, so a lock beside it is taken
first."""

from __future__ import annotations

import fcntl
import os
import shlex
from pathlib import Path
from typing import Self

from monitor.errors import CrystalMonitorError, UserError
from monitor.settings.redaction import without_passwords

_LONGEST_PID = 32


class SocketTakenError(CrystalMonitorError):
    """Another process serves that socket; the message says which, as far as can be known."""


class SocketLock:
    """`SOCKET.lock`: held while its owner serves the socket, with the owner's process number in it.

    The file stays; the kernel takes the lock back when the process dies, so that a socket left by a killed one can be
    taken over.
    """

    def __init__(self, socket: Path) -> None:
        """Take it. Raises SocketTakenError where another process has it, UserError where a folder has its name, OSError
        where its own folder cannot be used."""
        if socket.is_dir():  # the library would say that the address is in use
            raise UserError(
                f"the address ipc://{socket} names a folder: a socket is a file in it, such as "
                f"ipc://{socket / 'crystal-monitor.ipc'}; correct the address in the settings"
            )
        path = socket.with_name(f"{socket.name}.lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _told(os.pread(self._file, _LONGEST_PID, 0))
            os.close(self._file)
            raise SocketTakenError(holder) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def close(self) -> None:
        """Give the socket back."""
        os.close(self._file)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _told(written: bytes) -> str:
    """Who holds the lock: its number, and its command where this user may see it, which names its settings file.

    Without the passwords in it: a database may be named on the command line, and the message goes to logs.
    """
    number = written.decode("ascii", "replace").strip()
    if not number.isdecimal():
        return "another process"  # it has only just taken the lock
    try:
        words = Path(f"/proc/{number}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        words = []
    command = shlex.join(without_passwords(word) for word in words if word)
    return f"process {number} ({command})" if command else f"process {number}"
