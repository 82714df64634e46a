"""The sink that publishes alerts as JSON over ZeroMQ on the machine itself (ipc)."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import zmq

from monitor.alerts.sinks.failure import AlertSinkError
from monitor.alerts.sinks.notice_json import notice_as_plain
from monitor.errors import UserError
from monitor.records import AlertNotice
from monitor.settings.endpoints import IPC_PREFIX
from monitor.settings.sinks import ZeroMqOptions
from monitor.wire import SocketLock, SocketTakenError

_HIGH_WATER_MARK = 100
_TOPIC = b"alert"
_ABSTRACT = f"{IPC_PREFIX}@"


class ZeroMqSink:
    """PUB socket; two parts per message: the topic `alert` and UTF-8 JSON (see `notice_as_plain`). Never
    blocks.

    A subscriber that lags by more than 100 messages loses the later
    ones (that is how PUB works; it can see it from the gaps in `event_id`); `unsent` counts what the socket
    itself refused.
    """

    def __init__(self, options: ZeroMqOptions, station: str) -> None:
        """Bind the endpoint. Raises UserError for an endpoint that cannot be used."""
        endpoint = options.endpoint
        self.unsent = 0
        """Notices that the socket refused."""
        with ExitStack() as opening:
            if not endpoint.startswith(_ABSTRACT):  # the kernel refuses one of those twice by itself
                opening.enter_context(_lock(endpoint))
            context = opening.enter_context(zmq.Context())
            self._socket = opening.enter_context(context.socket(zmq.PUB))
            self._socket.setsockopt(zmq.SNDHWM, _HIGH_WATER_MARK)
            self._socket.setsockopt(zmq.LINGER, 0)
            try:
                self._socket.bind(endpoint)
            except zmq.ZMQError as error:
                raise _unusable(endpoint, str(error)) from error
            self._open = opening.pop_all()

    @staticmethod
    def check(options: ZeroMqOptions, station: str) -> None:
        """Raises UserError where the endpoint's folder is missing."""
        folder = Path(options.endpoint.removeprefix("ipc://")).parent
        if not folder.is_dir():
            raise UserError(
                f"alerts cannot be published on {options.endpoint}: the folder {folder} is missing: make it"
            )

    def send(self, notice: AlertNotice) -> None:
        """Publish one alert. Raises AlertSinkError where the socket refused it."""
        message = json.dumps(notice_as_plain(notice), ensure_ascii=False).encode()
        try:
            self._socket.send_multipart([_TOPIC, message], flags=zmq.NOBLOCK)
        except zmq.ZMQError as error:
            self.unsent += 1
            raise AlertSinkError(
                f"alert {notice.event_id} was not published: {error} ({self.unsent} so far); "
                "it is kept and sent again"
            ) from error

    def close(self) -> None:
        """Close the socket; what is queued is dropped."""
        self._open.close()


def _lock(endpoint: str) -> SocketLock:
    try:
        return SocketLock(Path(endpoint.removeprefix(IPC_PREFIX)))
    except SocketTakenError as holder:
        raise UserError(
            f"alerts are published on {endpoint} already, by {holder}: stop it, or name another endpoint"
        ) from None
    except OSError as error:
        raise _unusable(endpoint, error.strerror or str(error)) from error


def _unusable(endpoint: str, why: str) -> UserError:
    return UserError(
        f"alerts cannot be published on {endpoint}: {why}. Use a folder that exists and is writable."
    )
