"""A socket that another process serves: the message names that process, without the passwords that it was given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.wire import SocketLock, SocketTakenError

HOLDER = """
import sys
from pathlib import Path
from monitor.wire import SocketLock
lock = SocketLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_command_of_who_serves_it_is_told_without_its_passwords(tmp_path: Path) -> None:
    socket = tmp_path / "alerts"
    given = (
        "replay", "--database", "postgresql://lab:hunter2@db/trails",
        "--database=postgresql://lab:hunter3@db/trails?password=hunter4", "--config", "north station.toml",
    )  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(socket), *given],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(SocketTakenError) as told:
            SocketLock(socket)
        holder.communicate(timeout=30)
    message = str(told.value)
    assert f"process {holder.pid} (" in message
    assert "--database 'postgresql://lab:***@db/trails'" in message
    assert "--config 'north station.toml'" in message, "what helps to find it stays"
    assert "hunter" not in message
