"""What a disk holds after a power cut: rebuilt from what was asked of it, with all that was never synced in doubt.

The model is as hostile as POSIX allows: until a sync of the file is done, each of its writes may be there, be missing,
or be there in some of its 512-byte sectors, in any combination; until the folder is synced, so may each name. Only what
was written before a sync *began* is safe once it is done.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = struct.Struct("<cIIQQQ")
_SECTOR_BYTES = 512
_FOLDER = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of the recorder's log."""

    kind: str
    """`N`ame, `W`rite, `T`runcate, `s`ync begins, `S`ync is done, `U`nlink, `R`ename, `M`ark: the world was told."""
    process: int
    thread: int
    inode: int
    offset: int
    data: bytes


def read_log(path: Path) -> list[Operation]:
    """Everything that was recorded, in order; an entry that a kill cut short is left out."""
    raw = path.read_bytes()
    position, operations = 0, []
    while position + _HEAD.size <= len(raw):
        kind, process, thread, inode, offset, size = _HEAD.unpack_from(raw, position)
        start = position + _HEAD.size
        if start + size > len(raw):
            break
        data = raw[start : start + size]
        operations.append(Operation(kind.decode(), process, thread, inode, offset, data))
        position = start + size
    return operations


@dataclass(slots=True)
class _File:
    safe: bytearray = field(default_factory=bytearray)
    doubtful: list[tuple[int, Operation]] = field(default_factory=list)

    def settle(self, before: int) -> None:
        for when, operation in self.doubtful:
            if when < before:
                _apply(self.safe, operation, operation.data)
        self.doubtful = [(when, operation) for when, operation in self.doubtful if when >= before]

    def after_cut(self, chance: random.Random, mercy: str) -> bytes:
        content = bytearray(self.safe)
        for _, operation in self.doubtful:
            fate = mercy if mercy != "any" else chance.choice(("lost", "kept", "torn"))
            if fate == "torn" and operation.kind == "W":
                _tear(content, operation, chance)
            elif fate != "lost":
                _apply(content, operation, operation.data)
        return bytes(content)


@dataclass(frozen=True, slots=True)
class _Naming:
    when: int
    name: str
    file: _File | None
    """None: the name is gone."""


class Disk:
    """Takes operations one by one; `cut` says what is left if the power fails now."""

    def __init__(self, *, honest: bool = True) -> None:
        """A disk that is not `honest` says that a sync is done and does nothing: for the control."""
        self._honest = honest
        self._now = 0
        self._names: dict[str, _File] = {}
        self._safe_names: dict[str, _File] = {}
        self._doubtful_names: list[_Naming] = []
        self._by_inode: dict[int, _File] = {}
        self._syncs: dict[tuple[int, int], int] = {}
        self.told: list[str] = []
        """What the processes had told the world."""

    def take(self, operation: Operation) -> None:
        """The next thing that was asked of it."""
        self._now += 1
        match operation.kind:
            case "N":
                self._name(operation.data.decode(), operation.inode)
            case "W" | "T":
                self._by_inode[operation.inode].doubtful.append((self._now, operation))
            case "s":
                self._syncs[operation.process, operation.thread] = self._now
            case "S":
                self._sync(operation)
            case "U":
                name = operation.data.decode()
                if self._names.pop(name, None) is not None:
                    self._doubtful_names.append(_Naming(self._now, name, None))
            case "R":
                old, new = (part.decode() for part in operation.data.split(b"\0"))
                self._names[new] = self._names.pop(old)
                self._doubtful_names.append(_Naming(self._now, new, self._names[new]))
                self._doubtful_names.append(_Naming(self._now, old, None))
            case "M":
                self.told += operation.data.decode().splitlines()
            case other:
                raise AssertionError(other)

    def cut(self, chance: random.Random, mercy: str) -> Iterator[tuple[str, bytes]]:
        """Names and contents after a power cut now; `mercy`: what was not synced is `lost`, `kept`, or `any` of that.

        May be asked again and again: the disk goes on as if nothing had happened.
        """
        names = dict(self._safe_names)
        for naming in self._doubtful_names:
            if mercy == "kept" or (mercy == "any" and chance.random() < 0.5):
                names.pop(naming.name, None)
                if naming.file is not None:
                    names[naming.name] = naming.file
        for name, file in names.items():
            yield name, file.after_cut(chance, mercy)

    def in_doubt(self, name: str) -> int:
        """How many writes to the file were not synced yet."""
        file = self._names.get(name)
        return len(file.doubtful) if file is not None else 0

    def _name(self, name: str, inode: int) -> None:
        if name not in self._names:  # opened for the first time, or again after it was unlinked
            self._names[name] = _File()
            self._doubtful_names.append(_Naming(self._now, name, self._names[name]))
        self._by_inode[inode] = self._names[name]

    def _sync(self, operation: Operation) -> None:
        began = self._syncs.pop((operation.process, operation.thread))
        if not self._honest:
            return
        if operation.inode != _FOLDER:
            self._by_inode[operation.inode].settle(began)
            return
        for naming in self._doubtful_names:
            if naming.when < began:
                self._safe_names.pop(naming.name, None)
                if naming.file is not None:
                    self._safe_names[naming.name] = naming.file
        self._doubtful_names = [naming for naming in self._doubtful_names if naming.when >= began]


def _apply(content: bytearray, operation: Operation, data: bytes) -> None:
    end = operation.offset + len(data)
    if operation.kind == "T":
        del content[operation.offset :]
        end = operation.offset
    content.extend(bytes(max(0, end - len(content))))
    content[operation.offset : end] = data


def _tear(content: bytearray, operation: Operation, chance: random.Random) -> None:
    """Some of the sectors that the write touches, and the rest as it was."""
    position, end = operation.offset, operation.offset + len(operation.data)
    while position < end:
        border = min(end, (position // _SECTOR_BYTES + 1) * _SECTOR_BYTES)
        if chance.random() < 0.5:
            part = operation.data[position - operation.offset : border - operation.offset]
            _apply(content, Operation("W", 0, 0, 0, position, part), part)
        position = border
