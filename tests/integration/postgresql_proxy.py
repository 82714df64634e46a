"""Stands between a client and a PostgreSQL server, and breaks the connection just after a commit was made."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_NAME = ".s.PGSQL.5432"


class CommitEatingProxy:
    """Forwards everything; armed, it lets the next COMMIT through, and eats the answer with the connection."""

    def __init__(self, server_folder: Path, folder: Path) -> None:
        """Listen in `folder` for the server whose socket is in `server_folder`."""
        self._server = str(server_folder / _NAME)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _NAME))
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._armed = threading.Event()
        self.eaten = 0
        """How many answers to a COMMIT were eaten."""

    def arm(self) -> None:
        """Eat the answer to the next COMMIT."""
        self._armed.set()

    def __enter__(self) -> Self:
        """Start."""
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and drop all connections."""
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._sockets += [client, server]
            eating = threading.Event()
            self._start(self._to_server, client, server, eating)
            self._start(self._to_client, server, client, eating)

    def _to_server(self, client: socket.socket, server: socket.socket, eating: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while sent := client.recv(65_536):
                if b"COMMIT" in sent and self._armed.is_set():
                    self._armed.clear()
                    eating.set()
                server.sendall(sent)
            server.shutdown(socket.SHUT_WR)

    def _to_client(self, server: socket.socket, client: socket.socket, eating: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while answer := server.recv(65_536):
                if eating.is_set() and b"COMMIT" in answer:
                    self.eaten += 1
                    break
                client.sendall(answer)
        # Also where the server was gone before it had read all: the client waits for an end.
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
