"""What reaches the journal: over a real datagram socket, read as journald reads it."""

from __future__ import annotations

import io
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.analysis.auditing import anchors
from monitor.journal import JournalHandler, about, now_about, set_level, set_up_logging
from monitor.journal.setting_up import is_journal


def parse(datagram: bytes) -> dict[str, str]:
    """The fields of a datagram, after https://systemd.io/JOURNAL_NATIVE_PROTOCOL/."""
    fields: dict[str, str] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, separator, value = line.partition(b"=")
        if not separator:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        fields[name.decode()] = value.decode()
        datagram = rest
    return fields


class Journal:
    """A socket as journald's."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(5)

    def read(self) -> dict[str, str]:
        return parse(self._socket.recv(1 << 20))

    def close(self) -> None:
        self._socket.close()
        Path(self.path).unlink()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "socket")
    yield made
    made.close()


@pytest.fixture
def logger(journal: Journal) -> Iterator[logging.Logger]:
    logger = logging.getLogger("monitor.test_journal")
    handler = JournalHandler(journal.path)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    about(run=None, camera=None, field=None, frame=None)
    yield logger
    about(run=None, camera=None, field=None, frame=None)
    logger.removeHandler(handler)
    handler.close()


def test_a_message_comes_with_level_and_origin(logger: logging.Logger, journal: Journal) -> None:
    logger.warning("the disk has %d GB", 3)
    fields = journal.read()
    assert fields["MESSAGE"] == "the disk has 3 GB"
    assert fields["PRIORITY"] == "4"
    assert fields["SYSLOG_IDENTIFIER"] == "crystal-monitor"
    assert fields["LOGGER"] == "monitor.test_journal"
    assert fields["CODE_FUNC"] == "test_a_message_comes_with_level_and_origin"
    assert "RUN" not in fields
    for level, priority in ((10, "7"), (20, "6"), (40, "3"), (50, "2")):
        logger.log(level, "x")
        assert journal.read()["PRIORITY"] == priority


def test_it_says_what_the_thread_is_busy_with(logger: logging.Logger, journal: Journal) -> None:
    about(run=12, camera="acA1920 4021", field="well B3", frame=4711)
    logger.info("slow")
    fields = journal.read()
    assert {name: fields[name] for name in ("RUN", "CAMERA", "FIELD", "FRAME")} == {
        "RUN": "12",
        "CAMERA": "acA1920 4021",
        "FIELD": "well B3",
        "FRAME": "4711",
    }
    about(frame=None, field="well B4")
    assert dict(now_about()) == {"run": "12", "camera": "acA1920 4021", "field": "well B4"}
    other = threading.Thread(target=lambda: logger.info("of another thread"))
    other.start()
    other.join()
    assert "RUN" not in journal.read()


def test_lines_and_strange_characters_come_whole(logger: logging.Logger, journal: Journal) -> None:
    logger.error("first line\nPRIORITY=0\nµ × \udcff")
    fields = journal.read()
    assert fields["MESSAGE"] == "first line\nPRIORITY=0\nµ × \\udcff"
    assert fields["PRIORITY"] == "3", "a message cannot make up fields"
    about(camera="a\nPRIORITY=0")
    logger.error("x")
    assert journal.read()["PRIORITY"] == "3"
    try:
        raise ValueError("the reason")
    except ValueError:
        logger.exception("it failed")
    message = journal.read()["MESSAGE"]
    assert message.startswith("it failed\nTraceback")
    assert "ValueError: the reason" in message


def test_an_endless_message_is_cut(logger: logging.Logger, journal: Journal) -> None:
    logger.info("x" * 1_000_000)
    assert len(journal.read()["MESSAGE"]) == 48 * 1024


def test_a_journal_without_room_holds_up_nobody_and_is_told(logger: logging.Logger, journal: Journal) -> None:
    sent = 0
    handler = logger.handlers[0]
    assert isinstance(handler, JournalHandler)
    while handler.unsent < 3:
        logger.info("message %d", sent)
        sent += 1
        assert sent < 100_000
    for _ in range(sent - 3):
        journal.read()
    logger.info("there is room")
    said = journal.read()["MESSAGE"]
    assert said == "there is room (3 messages before it could not be written to the journal)"
    logger.info("and now")
    assert journal.read()["MESSAGE"] == "and now"


def test_a_journal_that_was_started_anew_is_found_again(logger: logging.Logger, journal: Journal) -> None:
    logger.info("before")
    assert journal.read()["MESSAGE"] == "before"
    journal.close()
    logger.info("nobody hears it")
    journal.__init__(Path(journal.path))  # type: ignore[misc]
    logger.info("after")
    assert journal.read()["MESSAGE"].startswith("after (1 messages")


def test_the_journal_is_known_by_device_and_inode(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": "nonsense"})
        assert not is_journal(stream, {})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_elsewhere_messages_are_lines(root: logging.Logger, tmp_path: Path) -> None:
    stream = io.StringIO()
    set_up_logging(logging.WARNING, stream)
    logging.getLogger("monitor.a").info("unheard")
    anchors.info("heard in a file")
    logging.getLogger("monitor.a").warning("heard")
    set_level("info")
    logging.getLogger("monitor.a").info("heard as well")
    anchor, first, second = stream.getvalue().splitlines()
    assert anchor.endswith(" INFO monitor.audit: heard in a file")
    assert first.endswith(" WARNING monitor.a: heard")
    assert second.endswith(" INFO monitor.a: heard as well")


def test_on_a_terminal_lines_are_short(root: logging.Logger) -> None:
    controller, terminal = os.openpty()
    with os.fdopen(controller, "rb", 0) as seen, os.fdopen(terminal, "w") as stream:
        set_up_logging(logging.INFO, stream)
        assert anchors.isEnabledFor(logging.INFO), "the control: it has a level of its own"
        anchors.info("audit trail at the start")
        logging.getLogger("monitor.a").info("run 1 begins")
        line = seen.read(200).decode().strip()
    assert line[2] == line[5] == ":"
    assert line[8:] == " INFO: run 1 begins"


def test_in_a_service_messages_go_to_the_journal(
    root: logging.Logger, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "err").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        set_up_logging(logging.INFO, stream, journal.path)
        logging.getLogger("monitor.a").info("said once")
        assert journal.read()["MESSAGE"] == "said once"
        set_up_logging(logging.INFO, stream, str(tmp_path / "nobody"))
        logging.getLogger("monitor.a").info("as a line")
    assert (tmp_path / "err").read_text().endswith("INFO monitor.a: as a line\n")
    assert sys.stderr is not None
