"""Where messages go: the journal where this process's standard error is connected to it, standard error elsewhere."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from monitor.journal.handler import JOURNAL_SOCKET, JournalHandler

_FOR_PEOPLE = "%(asctime)s %(levelname)s: %(message)s"
_FOR_FILES = "%(asctime)s %(levelname)s %(name)s: %(message)s"

ANCHORS = "monitor.audit"
"""The logger of the audit trail's hashes: for a log that is kept, in which they stand at any level. On a terminal,
which keeps nothing, they come with `debug` alone."""


def set_up_logging(level: int, stream: TextIO | None = None, journal: str = JOURNAL_SOCKET) -> None:
    """Have every message of this process from `level` on written to one place, once.

    To the journal, with the fields RUN, CAMERA, FIELD and FRAME, where `JOURNAL_STREAM` says that standard error is
    connected to it; else to `stream` (standard error): short lines on a terminal, with date and origin elsewhere.
    """
    stream = stream or sys.stderr
    logging.basicConfig(level=level, handlers=[_handler(stream, os.environ, journal)], force=True)


def set_level(level: str) -> None:
    """From now on write messages from this level on: `debug`, `info`, `warning`, `error`."""
    logging.getLogger().setLevel(level.upper())


def _handler(stream: TextIO, environment: Mapping[str, str], journal: str) -> logging.Handler:
    if is_journal(stream, environment):
        try:
            return JournalHandler(journal)
        except OSError:
            pass  # a service whose view of the file system has no socket: its lines reach the journal all the same
    handler = logging.StreamHandler(stream)
    terminal = stream.isatty()
    if terminal:
        handler.addFilter(lambda record: record.name != ANCHORS or logging.getLogger().level <= logging.DEBUG)
    handler.setFormatter(
        logging.Formatter(_FOR_PEOPLE if terminal else _FOR_FILES, "%H:%M:%S" if terminal else None)
    )
    return handler


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream is the very connection to the journal that systemd gave: its device and inode say so."""
    try:
        device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
        status = os.fstat(stream.fileno())
        return (int(device), int(inode)) == (status.st_dev, status.st_ino)
    except (OSError, ValueError):
        return False
