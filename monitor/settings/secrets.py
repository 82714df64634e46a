"""`Secret`: where a secret is, never what it is. It is read from a file or a systemd credential when it is used."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, PrivateAttr, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from monitor.errors import SettingsError
from monitor.settings.base import SettingsModel

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Where systemd tells a service the folder of its credentials."""
INLINE_SECRET = "secret_reference"  # noqa: S105  # nosec B105  # the name of a kind of mistake
"""Type of the validation error that must be told without its input: somebody wrote the secret itself."""
LONGEST_SECRET_BYTES = 65_536

_HOW = 'write { file = "/etc/crystal-monitor/NAME" } or { credential = "NAME" }, and put the secret there'
# Who may read a file of the user's own: nobody else. systemd lets the service's user in by an access list, whose mask
# shows as the group's permission to read (0440, owner root).
_OTHERS_OF_FILE = 0o077
_OTHERS_OF_CREDENTIAL = 0o037

_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,254}")


class Secret(SettingsModel):
    """A secret, by the place that it is kept in: `{ file = "PATH" }` or `{ credential = "NAME" }`.

    The settings hold the place alone, and so do logs, errors and the database.
    """

    file: Path | None = None
    """File with the secret: this user's or root's, and nobody else may read it (mode 0600 or 0400)."""
    credential: str | None = None
    """Name of a systemd credential of the unit (`LoadCredential=NAME:PATH`)."""
    _kept: Path | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _is_a_place(cls, given: Any) -> Any:  # whatever stands in the file
        # Before anything else, and in our own words: the usual message would show what was given.
        if isinstance(given, Secret):
            return given
        place = (
            {key: value for key, value in given.items() if value is not None}
            if isinstance(given, dict)
            else {}
        )
        if len(place) != 1 or not set(place) <= {"file", "credential"}:
            raise _mistake("a secret must not stand in the settings")
        if not _CREDENTIAL_NAME.fullmatch(str(place.get("credential", "NAME"))):
            raise _mistake("the name of a credential has letters, digits, _, ., @ and - alone")
        return place

    def keep_in(self, folder: Path) -> None:
        """Where the unit's `LoadCredential=` finds such a credential: there root reads it outside of the unit."""
        if self.credential is not None:
            self._kept = folder / self.credential

    @property
    def is_out_of_reach(self) -> bool:
        """Whether it is a credential that this process can know nothing of: another user's, and the unit's own."""
        if self.credential is None or _credentials_folder() is not None:
            return False
        return self._kept is None or os.geteuid() != 0

    @property
    def remedy_out_of_reach(self) -> str:
        """How to look at a credential that is out of reach."""
        if self._kept is not None:
            return f"run it as root (sudo): the secret is kept in {self._kept}, which root alone reads"
        return (
            "look at it with the settings file in /etc/crystal-monitor, as root; systemctl cat shows what the unit "
            "is given"
        )

    def read(self) -> SecretStr:
        """The secret now, without the line's end; it shows as stars wherever it is printed.

        Raises SettingsError, with the place and the remedy, where it is not there, is empty, is no text, or may be
        read by others.
        """
        return SecretStr(self.read_bytes().decode("utf-8"))

    def read_bytes(self) -> bytes:
        """The same as bytes of UTF-8. Do not keep them for longer than they are needed."""
        path = self._path()
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            if path == self._kept:
                raise SettingsError(self._not_kept(error)) from None
            raise SettingsError(
                f"the secret {self} cannot be read ({error.strerror}): check its name and that this user may read it"
            ) from None
        try:
            # Of what was opened, not of the name: nobody can change it in between.
            self._refuse_open_to_others(os.fstat(descriptor), path)
            content = os.read(descriptor, LONGEST_SECRET_BYTES + 1)
        finally:
            os.close(descriptor)
        content = content.rstrip(b"\r\n")
        if not content or len(content) > LONGEST_SECRET_BYTES:
            raise SettingsError(
                f"the secret {self} is {'too long' if content else 'empty'}: it must have 1 to "
                f"{LONGEST_SECRET_BYTES} bytes"
            )
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            raise SettingsError(f"the secret {self} is no text (UTF-8): write it anew") from None
        return content

    def __str__(self) -> str:
        """The place: `file PATH` or `credential NAME`."""
        return f"file {self.file}" if self.file is not None else f"credential {self.credential}"

    def _path(self) -> Path:
        if self.file is not None:
            return self.file
        assert self.credential is not None
        folder = _credentials_folder()
        if folder is not None:
            return folder / self.credential
        if self._kept is None:
            raise SettingsError(
                f"the secret {self} is a systemd credential, and this process was given none: write "
                f"LoadCredential={self.credential}:PATH into the unit, or name a file"
            )
        return self._kept

    def _not_kept(self, error: OSError) -> str:
        if isinstance(error, PermissionError):
            return (
                f"the secret {self} is kept in {self._kept}, which root alone reads: run it as root (sudo); a service "
                f"is given it by LoadCredential={self.credential}:{self._kept} in its unit"
            )
        return (
            f"the secret {self} is not in {self._kept} ({error.strerror}): write it into a file and put that there "
            f"(sudo install -D -m 600 FILE {self._kept})"
        )

    def _refuse_open_to_others(self, status: os.stat_result, path: Path) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise SettingsError(f"the secret {self} is no regular file: name the file that holds it")
        if status.st_uid not in (0, os.geteuid()):
            raise SettingsError(
                f"the secret {self} belongs to user {status.st_uid}, who may read and change it: chown it to the user "
                "that runs Crystal Monitor"
            )
        by_systemd = self.credential is not None and path != self._kept and status.st_uid == 0
        open_to = status.st_mode & (_OTHERS_OF_CREDENTIAL if by_systemd else _OTHERS_OF_FILE)
        if open_to:
            raise SettingsError(
                f"the secret {self} has mode {stat.S_IMODE(status.st_mode):04o}, so that others may read or change it: "
                f"chmod 600 {path}, and think of it as known"
            )


def _credentials_folder() -> Path | None:
    folder = os.environ.get(CREDENTIALS_VARIABLE, "")
    return Path(folder) if folder.startswith("/") else None


def _mistake(what: str) -> PydanticCustomError:
    return PydanticCustomError(INLINE_SECRET, "{what}: {how}", {"what": what, "how": _HOW})


def secrets_in(settings: BaseModel, within: str = "") -> Iterator[tuple[str, Secret]]:
    """Every secret that the settings name, with its setting's name (`[[alerts.sinks]] "lab", options.url`)."""
    for name in type(settings).model_fields:
        yield from _secrets_of(getattr(settings, name), f"{within}{name}")


def _secrets_of(value: object, name: str) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield name, value
    elif isinstance(value, BaseModel):
        yield from secrets_in(value, f"{name}.")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _secrets_of(item, f"{name}.{key}")
    elif isinstance(value, tuple | list):
        for place, item in enumerate(value):
            if isinstance(item, BaseModel):
                yield from secrets_in(item, f"{entry_name(name, place, item)}, ")
            else:
                yield from _secrets_of(item, f"{name}, number {place + 1}")


def entry_name(tables: str, place: int, entry: BaseModel) -> str:
    """How a table of an array of tables is called, as mistakes call it: `[[alerts.sinks]] "lab"`, or by its number."""
    name = getattr(entry, "name", None)
    return f"[[{tables}]] " + (f'"{name}"' if isinstance(name, str) else f"number {place + 1}")
