"""What systemd is told, on a real datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.service.notifier import ServiceNotifier


class Manager:
    """The manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.socket.settimeout(5)

    def heard(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path.name}-{request.param}"


@pytest.fixture
def manager(address: str) -> Iterator[Manager]:
    manager = Manager(address)
    yield manager
    manager.socket.close()


@pytest.fixture
def notifier(address: str) -> Iterator[ServiceNotifier]:
    notifier = ServiceNotifier.of_this_process({"NOTIFY_SOCKET": address})
    yield notifier
    notifier.close()


def test_ready_the_limit_and_the_status(manager: Manager, notifier: ServiceNotifier) -> None:
    notifier.ready("growing · 3 crystals")
    assert manager.heard() == ["READY=1", "WATCHDOG=1", "STATUS=growing · 3 crystals"]
    notifier.limit(60.0)
    assert manager.heard() == ["WATCHDOG_USEC=60000000", "WATCHDOG=1"]


def test_a_status_is_sent_where_it_differs_and_never_breaks_the_message(
    manager: Manager, notifier: ServiceNotifier
) -> None:
    notifier.status("camera lost: no\nsuch device")
    notifier.status("camera lost: no\nsuch device")
    notifier.progress()
    assert manager.heard() == ["STATUS=camera lost: no such device"]
    assert manager.heard() == ["WATCHDOG=1"], "the same status was not sent again"


def test_a_start_asks_for_more_time_and_stopping_is_said(manager: Manager, notifier: ServiceNotifier) -> None:
    with notifier.starting("makes the engine ready"):
        assert manager.heard() == ["EXTEND_TIMEOUT_USEC=60000000", "STATUS=makes the engine ready"]
    notifier.stopping()
    assert manager.heard()[0] == "STOPPING=1"


def test_without_a_manager_and_with_one_that_is_gone_nothing_happens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    silent = ServiceNotifier.of_this_process({})
    assert not silent.watched
    with silent.starting("x"):
        silent.ready("x")
    assert not caplog.messages
    gone = ServiceNotifier(str(tmp_path / "gone"))
    gone.progress()
    gone.progress()
    assert len(caplog.messages) == 1, "said once"
    gone.close()
