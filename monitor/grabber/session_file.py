"""The file beside the socket that outlives a killed grabber: who serves here, and how far its session
came."""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import Self

from monitor.errors import SourceError
from monitor.settings.stream import StreamSettings
from monitor.wire import (
    MOST_EARLIER_SESSIONS,
    EarlierSession,
    SocketLock,
    SocketTakenError,
    make_socket_folder,
)

_ENTRY = struct.Struct("<32sq")
_SIZE = _ENTRY.size * (1 + MOST_EARLIER_SESSIONS)


class SessionFile:
    """`SOCKET.session`: the last sequence number, written with every frame; one grabber serves a socket at a time.

    The numbers stand in mapped memory, which the kernel keeps when the process is killed; so the next session
    can say exactly how many frames the killed ones had, and no frame costs a write to disk.
    """

    def __init__(self, settings: StreamSettings) -> None:
        """Take the stream's endpoint. Raises SourceError where another grabber has it, or the file's folder cannot be
        used."""
        path = settings.session_file
        try:
            make_socket_folder(path.parent)
            self._lock = SocketLock(path.with_suffix(""))
        except SocketTakenError as holder:
            raise SourceError(
                f"another grabber serves {settings.endpoint} already, {holder}: stop it, or give this station another "
                "`name` or stream.endpoint"
            ) from None
        except OSError as error:
            raise _unusable(path.parent, error) from error
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            self._lock.close()
            raise _unusable(path.parent, error) from error
        if os.fstat(self._file).st_size != _SIZE:
            os.ftruncate(self._file, 0)
            os.ftruncate(self._file, _SIZE)
        self._map = mmap.mmap(self._file, _SIZE)
        self.earlier = self._read()
        """Sessions that were served here before, the last one first."""

    def begin(self, session: str) -> None:
        """A new session, without frames so far."""
        for place, entry in enumerate(self.earlier[:MOST_EARLIER_SESSIONS], start=1):
            self._write(place, entry.session, entry.last_index)
        self._write(0, session, -1)

    def advance(self, session: str, index: int) -> None:
        """The session has come to that sequence number, or ended with it."""
        self._write(0, session, index)

    def close(self) -> None:
        """Give the endpoint back; what was written stays."""
        self._map.close()
        os.close(self._file)
        self._lock.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _write(self, place: int, session: str, last_index: int) -> None:
        _ENTRY.pack_into(self._map, place * _ENTRY.size, session.encode("ascii"), last_index)

    def _read(self) -> tuple[EarlierSession, ...]:
        entries: list[EarlierSession] = []
        for raw, last_index in _ENTRY.iter_unpack(self._map[:]):
            session = raw.decode("ascii", "replace")
            if not all(digit in "0123456789abcdef" for digit in session) or last_index < -1:
                break  # never written, or damaged: what stands behind it is older still
            entries.append(EarlierSession(session, last_index))
        return tuple(entries[:MOST_EARLIER_SESSIONS])


def _unusable(folder: Path, error: OSError) -> SourceError:
    return SourceError(
        f"the stream's folder {str(folder)!r} cannot be used ({error.strerror}): create "
        "it, and let the grabber write there, or correct stream.endpoint"
    )
