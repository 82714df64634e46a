"""A knock at a control socket tells who is down from who may not be asked and who takes no more questions."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitor.analysis import AskStatus, Door, ask_daemon, knock
from monitor.errors import ControlError, NoAnswerError
from tests.privileges import as_nobody


def test_nobody_listens_where_there_is_no_socket_or_its_owner_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "control.ipc"
    assert knock(path).door is Door.DOWN
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
        assert knock(path).door is Door.DOWN, "it does not listen"
        gone.listen()
        assert knock(path).door is Door.LISTENS, "the control"
    assert path.is_socket()
    assert knock(path).door is Door.DOWN
    assert ask_daemon(f"ipc://{path}", AskStatus(), 0.1) is None


def test_who_listens_and_does_not_answer_is_not_down(tmp_path: Path) -> None:
    path = tmp_path / "control.ipc"
    with ExitStack() as stack:
        silent = stack.enter_context(socket.socket(socket.AF_UNIX))
        silent.bind(str(path))
        silent.listen(1)
        with pytest.raises(NoAnswerError, match=r"no answer within 0.1 s; .*may still be done"):
            ask_daemon(f"ipc://{path}", AskStatus(), 0.1)
        refused = 0
        while not refused:
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            refused = waiting.connect_ex(str(path))
        assert refused == errno.EAGAIN, "the control: its queue is full"
        assert knock(path).door is Door.BUSY
        with pytest.raises(ControlError, match="holds all the questions") as told:
            ask_daemon(f"ipc://{path}", AskStatus(), 0.1)
        assert not isinstance(told.value, NoAnswerError), "nothing was sent that might be done later"


def test_a_path_that_no_socket_can_have_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = knock(tmp_path / "file" / "control.ipc")
    assert found.door is Door.UNUSABLE
    assert "check control.endpoint" in found.why_not


def test_a_socket_of_another_users_is_not_down(tmp_path: Path) -> None:
    path = tmp_path / "control.ipc"
    with socket.socket(socket.AF_UNIX) as others:
        others.bind(str(path))
        others.listen()
        path.chmod(0)
        with as_nobody():
            assert knock(path).door is Door.FORBIDDEN
            with pytest.raises(ControlError, match="use its user, or one of its group"):
                ask_daemon(f"ipc://{path}", AskStatus(), 0.1)
