"""systemd's journal, spoken to in its own protocol: one datagram a message, fields beside the text.

The protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. A field is `NAME=value` and a line feed; a value with line
feeds in it is `NAME`, a line feed, its length as a little-endian 64-bit number, the value, a line feed.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
from collections.abc import Iterator

from monitor.journal.subject import now_about

JOURNAL_SOCKET = "/run/systemd/journal/socket"
IDENTIFIER = "crystal-monitor"
LONGEST_MESSAGE_BYTES = 48 * 1024
"""A longer one is cut: a datagram holds at least 64 KiB on every Linux."""
_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
)
_DEBUG = 7
_GONE = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOTCONN, errno.ENOENT, errno.EPIPE)
"""What sending says once journald was started anew."""


class JournalHandler(logging.Handler):
    """Sends records to the journal. Never waits: what it has no room for is counted, and said with the next."""

    def __init__(self, path: str = JOURNAL_SOCKET) -> None:
        """`path`: the journal's socket. Raises OSError where nobody listens."""
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))  # time, level and origin are fields
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._path = path
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self.unsent = 0
        """Messages that the journal had no room for since the last one that it took."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        message = self.format(record)
        if self.unsent:
            message = f"{message} ({self.unsent} messages before it could not be written to the journal)"
        datagram = b"".join(_encoded(name, value) for name, value in _fields(record, message))
        if self._send(datagram):
            self.unsent = 0
        else:
            self.unsent += 1

    def _send(self, datagram: bytes) -> bool:
        for again in (True, False):
            try:
                self._socket.send(datagram)
            except OSError as error:  # else there is no room, or it is too long
                if not again or error.errno not in _GONE or not self._connect():
                    return False
            else:
                return True
        return False

    def _connect(self) -> bool:
        try:
            self._socket.connect(self._path)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def _fields(record: logging.LogRecord, message: str) -> Iterator[tuple[str, str]]:
    yield "MESSAGE", message
    yield "PRIORITY", str(next((code for level, code in _PRIORITIES if record.levelno >= level), _DEBUG))
    yield "SYSLOG_IDENTIFIER", IDENTIFIER
    yield "LOGGER", record.name
    yield "CODE_FILE", record.pathname
    yield "CODE_LINE", str(record.lineno)
    yield "CODE_FUNC", record.funcName or ""
    for name, value in {**now_about(), **getattr(record, "subject", {})}.items():
        yield name.upper(), str(value)


def _encoded(name: str, value: str) -> bytes:
    content = value.encode("utf-8", "backslashreplace")[:LONGEST_MESSAGE_BYTES]
    if b"\n" not in content:
        return name.encode() + b"=" + content + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(content)) + content + b"\n"
