"""The header of a message as bytes: magic, checksum, JSON; and its fields read with every bound checked."""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

from monitor.clock import Instant
from monitor.errors import FrameDecodeError

MAX_HEADER_BYTES = 16_384
MAX_FRAME_BYTES = 1 << 30
MAX_COUNT = (1 << 63) - 1

_MAGIC = b"CMW1"
_PREFIX = struct.Struct("<4sI")
_SESSION = re.compile(r"[0-9a-f]{32}")
_LONGEST_BOOT_ID = 64

_Choice = TypeVar("_Choice", bound=StrEnum)


def clean_text(text: str, longest: int) -> str:
    """`text` fit for the wire: valid Unicode without control characters, at most `longest` characters."""
    valid = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(mark if mark.isprintable() else "�" for mark in valid[:longest])


def pack_header(fields: dict[str, Any]) -> bytes:
    """Magic `CMW1`, CRC-32 of the rest (little-endian uint32), JSON in UTF-8."""
    body = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return _PREFIX.pack(_MAGIC, zlib.crc32(body)) + body


def pack_instant(moment: Instant) -> list[int | str | None]:
    """An instant as a JSON array: UTC ns, CLOCK_BOOTTIME ns or null, boot id."""
    return [moment.utc_ns, moment.boottime_ns, moment.boot_id]


class Fields:
    """The fields of one received header. Every reader raises FrameDecodeError; `finish` refuses what was
    not read."""

    def __init__(self, header: bytes | memoryview) -> None:
        """Parse `header`; raises FrameDecodeError for anything that `pack_header` did not write."""
        if not _PREFIX.size < len(header) <= MAX_HEADER_BYTES:
            raise FrameDecodeError(
                f"a header of {len(header)} bytes came, {_PREFIX.size + 1} to {MAX_HEADER_BYTES} are "
                f"allowed: "
                "is another program writing to this socket?"
            )
        magic, checksum = _PREFIX.unpack_from(header)
        if magic != _MAGIC:
            raise FrameDecodeError(
                f"a header began with {magic!r} instead of {_MAGIC!r}: run grabber and analysis of one "
                f"version"
            )
        body = bytes(header[_PREFIX.size :])
        if zlib.crc32(body) != checksum:
            raise FrameDecodeError("a header's checksum is wrong: the message was damaged on its way")
        try:
            fields = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise FrameDecodeError(f"a header is no JSON ({error}): the sender is broken") from error
        if not isinstance(fields, dict):
            raise FrameDecodeError(
                f"a header is a JSON {type(fields).__name__}, not an object: the sender is broken"
            )
        self._fields: dict[str, Any] = fields

    def text(self, name: str, longest: int) -> str:
        """A printable text of at most `longest` characters."""
        value = self._take(name)
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise _bad(name, value, f"a printable text of at most {longest} characters")
        return value

    def session(self, name: str, *, may_be_empty: bool = False) -> str:
        """A session's identity: 32 hexadecimal digits."""
        value = self._take(name)
        if isinstance(value, str) and (_SESSION.fullmatch(value) or (may_be_empty and value == "")):
            return value
        raise _bad(name, value, "32 hexadecimal digits")

    def integer(self, name: str, lowest: int, highest: int = MAX_COUNT) -> int:
        """A whole number in `lowest`..`highest`."""
        value = self._take(name)
        if type(value) is not int or not lowest <= value <= highest:
            raise _bad(name, value, f"a whole number from {lowest} to {highest}")
        return value

    def positive_or_none(self, name: str, highest: float) -> float | None:
        """A finite number in (0, `highest`], or null."""
        value = self._take(name)
        if value is None:
            return None
        if type(value) not in (int, float) or not 0 < value <= highest or not math.isfinite(value):
            raise _bad(name, value, f"null or a number above 0, at most {highest:g}")
        return float(value)

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self._take(name)
        if type(value) is not bool:
            raise _bad(name, value, "true or false")
        return value

    def choice(self, name: str, choices: type[_Choice]) -> _Choice:
        """One of the words of an enum."""
        value = self._take(name)
        if isinstance(value, str):
            for member in choices:
                if member.value == value:
                    return member
        raise _bad(name, value, "one of " + ", ".join(choices))

    def integers(self, name: str, lengths: Sequence[int], lowest: int, highest: int) -> tuple[int, ...]:
        """An array of whole numbers in `lowest`..`highest`, with one of the given lengths."""
        value = self._take(name)
        if (
            not isinstance(value, list)
            or len(value) not in lengths
            or any(type(entry) is not int or not lowest <= entry <= highest for entry in value)
        ):
            raise _bad(
                name, value, f"{' or '.join(map(str, lengths))} whole numbers from {lowest} to {highest}"
            )
        return tuple(value)

    def sessions(self, name: str, most: int) -> list[tuple[str, int]]:
        """An array of at most `most` pairs of a session and its last sequence number (-1 for none)."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > most:
            raise _bad(name, value, f"at most {most} pairs of session and number")
        pairs: list[tuple[str, int]] = []
        for entry in value:
            match entry:
                case [str(session), int(last)] if (
                    _SESSION.fullmatch(session) and type(last) is int and -1 <= last <= MAX_COUNT
                ):
                    pairs.append((session, last))
                case _:
                    raise _bad(name, value, f"at most {most} pairs of session and number")
        return pairs

    def instant(self, name: str) -> Instant:
        """A moment as `pack_instant` wrote it."""
        value = self._take(name)
        if isinstance(value, list) and len(value) == len(("utc_ns", "boottime_ns", "boot_id")):
            utc_ns, boottime_ns, boot_id = value
            if (
                type(utc_ns) is int
                and -MAX_COUNT <= utc_ns <= MAX_COUNT
                and (
                    boottime_ns is None
                    or (type(boottime_ns) is int and -MAX_COUNT <= boottime_ns <= MAX_COUNT)
                )
                and isinstance(boot_id, str)
                and len(boot_id) <= _LONGEST_BOOT_ID
                and boot_id.isprintable()
            ):
                return Instant(utc_ns, boottime_ns, boot_id)
        raise _bad(name, value, "[UTC ns, CLOCK_BOOTTIME ns or null, boot id]")

    def finish(self) -> None:
        """Refuse fields that nobody asked for."""
        if self._fields:
            raise FrameDecodeError(
                f"a header has unknown fields {clean_text(', '.join(self._fields), 80)!r}: "
                "run grabber and analysis of one version"
            )

    def _take(self, name: str) -> Any:
        if name not in self._fields:
            raise FrameDecodeError(
                f"a header lacks the field {name!r}: run grabber and analysis of one version"
            )
        return self._fields.pop(name)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _bad(name: str, value: object, expected: str) -> FrameDecodeError:
    shown = (
        clean_text(repr(value)[:200], 80)
        if not isinstance(value, int) or abs(value) <= MAX_COUNT
        else "a huge number"
    )
    return FrameDecodeError(f"a header's field {name!r} is {shown}, not {expected}: the sender is broken")
