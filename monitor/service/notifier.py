"""What a process tells its service manager: systemd's notification protocol, sd_notify(3)."""

from __future__ import annotations

import faulthandler
import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

log = logging.getLogger(__name__)

SOCKET_VARIABLE = "NOTIFY_SOCKET"
_EXTENDED_BY_S = 60.0
_EXTEND_EVERY_S = 10.0
_LONGEST_START_S = 3600.0
"""An engine that is not built within an hour will not be built: systemd then ends the start."""


class ServiceNotifier:
    """Sends states to the manager's socket. Never blocks and never raises; without a manager it does nothing."""

    def __init__(self, address: str | None) -> None:
        """`address`: path of the manager's datagram socket, with `@` first for an abstract one; None for none."""
        self._address = address
        self._failed = False
        self._status = ""
        self._socket: socket.socket | None = None
        if address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @classmethod
    def of_this_process(cls, environment: Mapping[str, str] = os.environ) -> ServiceNotifier:
        """The notifier to the manager that started this process."""
        return cls(environment.get(SOCKET_VARIABLE) or None)

    @property
    def watched(self) -> bool:
        """Whether there is a manager."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """The process serves; the unit's own watchdog limit holds until `limit` says another."""
        self._status = status
        self._send("READY=1", "WATCHDOG=1", f"STATUS={status}")

    def progress(self) -> None:
        """Something was achieved: the watchdog's time begins anew."""
        self._send("WATCHDOG=1")

    def limit(self, limit_s: float) -> None:
        """From now on the process proves its progress within so many seconds each time."""
        self._send(_watchdog(limit_s), "WATCHDOG=1")

    def status(self, text: str) -> None:
        """What the process does, for `systemctl status`; sent where it differs from the last."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """The process ends, of its own accord or because it was asked to."""
        self._send("STOPPING=1", "STATUS=stopping")

    @contextmanager
    def starting(self, what: str) -> Iterator[None]:
        """For the time of a start of unknown length, such as that of an engine that is built: more time, up to an hour.

        The manager may end the start a minute after this process has died or hangs as a whole.
        """
        if not self.watched:
            yield
            return
        done = threading.Event()
        thread = threading.Thread(target=self._extend, args=(done, what), name="start", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _extend(self, done: threading.Event, what: str) -> None:
        waited_s = 0.0
        while waited_s < _LONGEST_START_S:
            since = f" for {waited_s / 60:.0f} min" if waited_s >= 60 else ""
            self._send(f"EXTEND_TIMEOUT_USEC={round(_EXTENDED_BY_S * 1e6)}", f"STATUS={what}{since}")
            if done.wait(_EXTEND_EVERY_S):
                return
            waited_s += _EXTEND_EVERY_S

    def _send(self, *states: str) -> None:
        if self._socket is None or self._address is None:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        message = "\n".join(state.replace("\n", " ") for state in states)
        try:
            self._socket.sendto(message.encode(), address)
        except OSError as error:
            if not self._failed:
                log.warning("systemd cannot be told how it goes (%s: %s)", self._address, error)
            self._failed = True
        else:
            self._failed = False


def _watchdog(limit_s: float) -> str:
    return f"WATCHDOG_USEC={round(limit_s * 1e6)}"


@contextmanager
def notifying() -> Iterator[ServiceNotifier]:
    """The notifier of this process, closed at the end of the `with` block."""
    notifier = ServiceNotifier.of_this_process()
    if notifier.watched:
        faulthandler.enable()  # a process that the watchdog ends leaves in the journal where each thread stood
    try:
        yield notifier
    finally:
        notifier.close()
