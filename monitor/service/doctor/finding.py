"""One line of the doctor's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, but not as well, as safely or for as long as it should."""
    FAIL = "fail"
    """The station does not start, or does not do its work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what was found."""

    check: str
    """What was looked at: a setting's name, or a word."""
    grade: Grade
    """How bad it is."""
    says: str
    """What was found, with the values."""
    remedy: str = ""
    """How to mend it; empty where nothing is to be mended."""


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, Grade.OK, says)


def warn(check: str, says: str, remedy: str) -> Finding:
    """It works, but."""
    return Finding(check, Grade.WARN, says, remedy)


def fail(check: str, says: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(check, Grade.FAIL, says, remedy)


def from_message(check: str, message: object) -> Finding:
    """A failure whose message says what is wrong and, after its last colon, how to mend it."""
    says, _, remedy = str(message).rpartition(": ")
    return fail(check, says or str(message), remedy if says else "")
