"""The folders and files that a station's settings name: are they there, and may this user use them. Changes nothing."""

from __future__ import annotations

import errno
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.tensorrt import look_at_shelf
from monitor.camera import is_live
from monitor.errors import SettingsError, SourceError, StoreUnusableError
from monitor.footage import check_video_file
from monitor.settings.camera import FolderCameraSettings, VideoCameraSettings
from monitor.settings.secrets import secrets_in
from monitor.settings.station import StationSettings
from monitor.settings.storage import user_database
from monitor.store import check_local, locate


def wrong_places(settings: StationSettings) -> list[str]:
    """What is wrong with the places that the settings name, each with its remedy; empty if nothing is.

    A PostgreSQL server is not asked. Raises StoreUnusableError for a database's address that is none.
    """
    return [problem for problem in _problems(settings) if problem]


def _problems(settings: StationSettings) -> Iterator[str]:
    yield from _camera(settings)
    yield from _secrets(settings)
    path = locate(settings.storage.database).path
    if path is not None:
        folder_is_made = settings.storage.database == user_database()
        closed = _out_of_reach(path, "storage.database")
        yield closed or _writable_file(path, "storage.database", folder_is_made=folder_is_made)
        if not settings.storage.allow_network_share:
            yield _on_a_share(path)
    if settings.storage.archive.folder is not None:
        yield _can_be_made(settings.storage.archive.folder, "storage.archive.folder")
    if settings.analysis.model_cache is not None:
        yield _can_be_made(settings.analysis.model_cache, "analysis.model_cache")
    if settings.analysis.engines is not None:
        yield from _engines(settings.analysis.engines, "analysis.engines")
    yield _can_be_made(settings.stream.folder, "stream.endpoint")
    yield _can_be_made(Path(settings.control_endpoint.removeprefix("ipc://")).parent, "control.endpoint")


def _camera(settings: StationSettings) -> Iterator[str]:
    camera = settings.camera
    if isinstance(camera, FolderCameraSettings):
        yield _readable(camera.folder, "camera.folder", folder=True)
        if camera.time.timestamps is not None:
            yield _readable(camera.time.timestamps, "camera.time.timestamps", folder=False)
    if isinstance(camera, VideoCameraSettings):
        if not is_live(camera.source):
            yield _video_file(Path(str(camera.source)), "camera.source")
        elif isinstance(camera.source, str) and "://" not in camera.source:
            yield _readable(Path(camera.source), "camera.source", folder=False)


def _secrets(settings: StationSettings) -> Iterator[str]:
    """Read, and not kept. Credentials are there for the unit and for root: nobody else can look at them."""
    for setting, secret in secrets_in(settings):
        if not secret.is_out_of_reach:
            try:
                secret.read()
            except SettingsError as error:
                yield f"{setting}: {error}"


def _on_a_share(path: Path) -> str:
    try:
        check_local(path)
    except StoreUnusableError as refusal:
        return f"storage.database: {refusal}"
    return ""


def _readable(path: Path, setting: str, *, folder: bool) -> str:
    kind = "folder" if folder else "file"
    if closed := _out_of_reach(path, setting):
        return closed
    if not path.exists():
        if folder and not _may_make(path):
            return f"{setting}: the folder {path} does not exist, and this user cannot make it: name one that is there"
        remedy = f"make it (mkdir -p {path})" if folder else "check its name"
        return f"{setting}: the {kind} {path} does not exist: {remedy}, or name another"
    if folder != path.is_dir():
        return f"{setting}: {path} is {'no' if folder else 'a'} folder: name a {kind}"
    wanted = os.R_OK | os.X_OK if folder else os.R_OK
    if not os.access(path, wanted):
        return f"{setting}: the {kind} {path} may not be read by this user: {_give(path, 'rX' if folder else 'r')}"
    return ""


def _writable_file(path: Path, setting: str, *, folder_is_made: bool) -> str:
    folder = path.parent
    if folder_is_made and not folder.exists():
        return _can_be_made(folder, setting)
    if not folder.is_dir():
        return f"{setting}: the folder {folder} does not exist{_remedy_for_database(folder)}"
    if path.is_dir():
        return f"{setting}: {path} is a folder: name a file in it, e.g. {path / 'trails.sqlite'}"
    # SQLite makes its journal beside the file.
    if refusal := _takes_no_file(folder):
        return f"{setting}: {refusal}"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return f"{setting}: the file {path} cannot be written by this user: {_give(path, 'rw')}"
    return ""


def _remedy_for_database(folder: Path) -> str:
    if _may_make(folder):
        return f": make it (mkdir -p {folder}), or name another place"
    own = user_database().removeprefix("sqlite:///")
    return f", and this user cannot make it: name a folder of yours, or leave the setting out; the file is then {own}"


def _can_be_made(folder: Path, setting: str) -> str:
    """A folder that is made where it is missing: the nearest one above it that is there must allow that."""
    if closed := _out_of_reach(folder, setting):
        return closed
    nearest = next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))
    if not nearest.is_dir():
        return f"{setting}: {nearest} is no folder: name another place"
    if refusal := _takes_no_file(nearest, "" if nearest == folder else f" to make {folder}"):
        return f"{setting}: {refusal}"
    return ""


def _engines(folder: Path, setting: str) -> Iterator[str]:
    """An engine is code: the folder must be closed to others, and each engine what its card says."""
    if closed := _readable(folder, setting, folder=True):
        yield closed
    elif folder.is_dir():
        try:
            yield from (f"{setting}: {problem}" for problem in look_at_shelf(folder).problems)
        except OSError as error:
            yield f"{setting}: {folder} cannot be looked at ({error}): name another folder"


def _video_file(path: Path, setting: str) -> str:
    if closed := _out_of_reach(path, setting):
        return closed
    try:
        check_video_file(path)
    except SourceError as error:
        return f"{setting}: {error}"
    return ""


def _out_of_reach(path: Path, setting: str) -> str:
    """Whether a folder above it is closed to this user, as a home is: what lies in it cannot even be looked for."""
    for folder in reversed(path.parents):
        if folder.is_dir() and not os.access(folder, os.X_OK):
            return f"{setting}: {path} cannot be reached by this user, for {folder} is closed: {_give(folder, 'x')}"
    return ""


def _may_make(folder: Path) -> bool:
    """Whether this user may make it and the missing folders above it."""
    nearest = next((place for place in folder.parents if place.exists()), Path("/"))
    return nearest.is_dir() and _may_write(nearest)


def _may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _takes_no_file(folder: Path, to_what_end: str = "") -> str:
    """Why no file can be made in a folder, tried with one that has no name or is gone at once; empty where one can.

    Permission is not all: /proc takes none from anybody. A full disk is no such reason: a station starts on one and
    waits for room.
    """
    if not _may_write(folder):
        return f"nothing can be written in {folder}{to_what_end} by this user: {_give(folder, 'rwX')}"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ""
        return f"no file can be made in {folder}{to_what_end} ({error.strerror}): name a folder on a disk"


def _give(path: Path, permissions: str) -> str:
    return f"give it permission (setfacl -m u:{_user()}:{permissions} {path}), or name another place"


def _user() -> str:
    """This user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
