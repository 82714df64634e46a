"""Steps of an installation, each of which can be undone; `carry_out` does them all, or leaves everything as it was."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from monitor.service.installation.errors import InstallError

Say = Callable[[str], None]
_COMMAND_TIMEOUT_S = 900.0
"""A station whose engine is built at its first start may take its time."""


class Step(Protocol):
    """One change of the machine."""

    def describe(self) -> str:
        """What it does; empty where there is nothing to do."""

    def do(self) -> None:
        """Do it. Raises InstallError, OSError."""

    def undo(self) -> None:
        """Bring back what was before; also where `do` failed half-way. Raises InstallError, OSError."""


@dataclass(slots=True)
class WriteFile:
    """A file with that text and mode, and the folders above it."""

    path: Path
    text: str
    mode: int = 0o644
    _begun: bool = False
    _before: tuple[bytes, int] | None = None
    _folders: list[Path] = field(default_factory=list)

    def describe(self) -> str:
        """See `Step`."""
        if self._is_there():
            return ""
        return f"{'replace' if self.path.exists() else 'write'} {self.path}"

    def do(self) -> None:
        """See `Step`. The file is replaced in one go."""
        if self._is_there():
            return
        self._begun = True
        if self.path.exists():
            self._before = (self.path.read_bytes(), self.path.stat().st_mode & 0o7777)
        missing = [folder for folder in self.path.parents if not folder.exists()]
        self._folders = missing  # the deepest first
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _replace(self.path, self.text.encode(), self.mode)

    def undo(self) -> None:
        """See `Step`."""
        if not self._begun:
            return
        if self._before is not None:
            _replace(self.path, *self._before)
            return
        self.path.unlink(missing_ok=True)
        for folder in self._folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _is_there(self) -> bool:
        return (
            self.path.is_file()
            and self.path.read_bytes() == self.text.encode()
            and self.path.stat().st_mode & 0o7777 == self.mode
        )


@dataclass(slots=True)
class RemoveFile:
    """No file there, and no folder above it that it leaves empty, up to `keep`."""

    path: Path
    keep: Path
    _before: tuple[bytes, int] | None = None

    def describe(self) -> str:
        """See `Step`."""
        return f"remove {self.path}" if self.path.exists() else ""

    def do(self) -> None:
        """See `Step`."""
        if not self.path.exists():
            return
        self._before = (self.path.read_bytes(), self.path.stat().st_mode & 0o7777)
        self.path.unlink()
        folder = self.path.parent
        while folder != self.keep and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    def undo(self) -> None:
        """See `Step`."""
        if self._before is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, *self._before)


@dataclass(slots=True)
class Command:
    """A program of the machine's; `back` undoes it, if anything does."""

    arguments: Sequence[str]
    back: Sequence[str] = ()

    def describe(self) -> str:
        """See `Step`."""
        return f"run {shlex.join(self.arguments)}" if self.arguments else ""

    def do(self) -> None:
        """See `Step`."""
        _run(self.arguments)

    def undo(self) -> None:
        """See `Step`."""
        _run(self.back)


@dataclass(slots=True)
class Check:
    """Something that must hold at this point; changes nothing."""

    what: str
    fails: Callable[[], str]
    """What is wrong, with the remedy; empty if nothing is."""

    def describe(self) -> str:
        """See `Step`."""
        return f"check {self.what}"

    def do(self) -> None:
        """See `Step`."""
        problem = self.fails()
        if problem:
            raise InstallError(problem)

    def undo(self) -> None:
        """See `Step`."""


def carry_out(steps: Sequence[Step], say: Say, *, dry_run: bool, afterwards: Sequence[Command] = ()) -> int:
    """Do the steps in order; how many changed something.

    Where one fails those before it are undone, the last first, then `afterwards` are run. Raises InstallError with
    the reason and with what could not be undone.
    """
    done: list[Step] = []
    changed = 0
    for step in steps:
        what = step.describe()
        if what:
            say(f"{'would ' if dry_run else ''}{what}")
            changed += not isinstance(step, Check)
        if dry_run:
            continue
        done.append(step)
        try:
            step.do()
        except (InstallError, OSError) as error:
            left = _undo([*reversed(done), *(Command((), command.arguments) for command in afterwards)])
            raise InstallError(
                f"{error}\nEverything is as it was before{', but for this: ' + '; '.join(left) if left else ''}."
            ) from error
    return changed


def _undo(done: Sequence[Step]) -> list[str]:
    left = []
    for step in done:
        try:
            step.undo()
        except (InstallError, OSError) as error:
            left.append(str(error))
    return left


def _run(arguments: Sequence[str]) -> None:
    if not arguments:
        return
    try:
        done = subprocess.run(  # noqa: S603  # the machine's own programs, no shell
            arguments, capture_output=True, text=True, check=False, timeout=_COMMAND_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{shlex.join(arguments)}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise InstallError(f"{shlex.join(arguments)} failed with code {done.returncode}: {said}")


def _replace(path: Path, content: bytes, mode: int) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.chmod(mode)
    os.replace(new, path)  # noqa: PTH105  # the one call that says what it does
