"""What `check-config` finds wrong with folders and files, and what to do about it."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.service.places import wrong_places
from monitor.settings.station import StationSettings

NOBODY = 65_534


def station(folder: Path, **sections: object) -> StationSettings:
    tree: dict[str, object] = {
        "storage": {"database": f"sqlite:///{folder}/trails.sqlite"},
        "stream": {"endpoint": f"ipc://{folder}/frames.ipc"},
    }
    return StationSettings.model_validate(tree | sections)


def text_file(folder: Path) -> Path:
    path = folder / "notes.txt"
    path.write_text("notes")
    return path


def test_nothing_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    camera = {"kind": "folder", "folder": str(tmp_path / "frames")}
    archive = {
        "database": f"sqlite:///{tmp_path}/trails.sqlite",
        "archive": {"folder": str(tmp_path / "a" / "b")},
    }
    assert wrong_places(station(tmp_path, camera=camera, storage=archive)) == []
    assert wrong_places(station(tmp_path, analysis={"engines": str(tmp_path)})) == []
    assert wrong_places(station(tmp_path, camera={"kind": "video", "source": 0})) == []
    assert wrong_places(station(tmp_path, storage={"database": "postgresql://me@here/trails"})) == []
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["frames"], "nothing was made"


def test_the_default_database_needs_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert wrong_places(StationSettings.model_validate({"stream": {"endpoint": f"ipc://{tmp_path}/f"}})) == []


MISTAKES: dict[str, tuple[Callable[[Path], dict[str, object]], str]] = {
    "no folder to watch": (
        lambda folder: {"camera": {"kind": "folder", "folder": f"{folder}/none"}},
        "camera.folder: the folder {folder}/none does not exist: make it (mkdir -p {folder}/none)",
    ),
    "a file to watch": (
        lambda folder: {"camera": {"kind": "folder", "folder": str(text_file(folder))}},
        "camera.folder: {folder}/notes.txt is no folder: name a folder",
    ),
    "no timestamps": (
        lambda folder: {
            "camera": {"kind": "folder", "folder": str(folder), "time": {"timestamps": f"{folder}/t.csv"}}
        },
        "camera.time.timestamps: the file {folder}/t.csv does not exist: check its name",
    ),
    "no video": (
        lambda folder: {"camera": {"kind": "video", "source": f"{folder}/film.avi"}},
        "camera.source: there is no video file '{folder}/film.avi'",
    ),
    "a text for a video": (
        lambda folder: {"camera": {"kind": "video", "source": str(text_file(folder))}},
        "camera.source: '{folder}/notes.txt' is no video by its name",
    ),
    "no device": (
        lambda _: {"camera": {"kind": "video", "source": "/dev/video_absent"}},
        "camera.source: the file /dev/video_absent does not exist",
    ),
    "no folder for the database": (
        lambda folder: {"storage": {"database": f"sqlite:///{folder}/none/trails.sqlite"}},
        "storage.database: the folder {folder}/none does not exist: make it (mkdir -p {folder}/none)",
    ),
    "a folder for a database": (
        lambda folder: {"storage": {"database": f"sqlite:///{folder}"}},
        "storage.database: {folder} is a folder: name a file in it",
    ),
    "a database where there are no files": (
        lambda _: {"storage": {"database": "sqlite:////proc/trails.sqlite"}},
        "storage.database: no file can be made in /proc ("
        if os.geteuid() == 0
        else "storage.database: nothing can be written in /proc by this user",
    ),
    "no folder of engines": (
        lambda folder: {"analysis": {"engines": f"{folder}/none"}},
        "analysis.engines: the folder {folder}/none does not exist: make it (mkdir -p {folder}/none)",
    ),
    "an archive under a file": (
        lambda folder: {
            "storage": {
                "database": f"sqlite:///{folder}/t.sqlite",
                "archive": {"folder": f"{text_file(folder)}/archive"},
            }
        },
        "storage.archive.folder: {folder}/notes.txt is no folder",
    ),
    "sockets under a file": (
        lambda folder: {"stream": {"endpoint": f"ipc://{text_file(folder)}/frames.ipc"}},
        "stream.endpoint: {folder}/notes.txt is no folder",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_and_its_remedy(name: str, tmp_path: Path) -> None:
    make, expected = MISTAKES[name]
    found = wrong_places(station(tmp_path, **make(tmp_path)))
    assert found, "the mistake was found"
    assert found[0].startswith(expected.format(folder=tmp_path))


def asked_by_nobody(settings: StationSettings) -> list[str]:
    """What another user is told: from a child process that becomes one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.write(writing, "\n".join(wrong_places(settings)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        told = answer.read().splitlines()
    os.waitpid(child, 0)
    return told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not")
def test_what_another_user_may_not() -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        for name, mode in (("frames", 0o700), ("data", 0o755), ("archive", 0o755), ("open", 0o777)):
            (root / name).mkdir()
            (root / name).chmod(mode)
        (root / "data" / "trails.sqlite").touch()
        settings = station(
            root / "open",
            camera={"kind": "folder", "folder": str(root / "frames")},
            storage={
                "database": f"sqlite:///{root}/data/trails.sqlite",
                "archive": {"folder": str(root / "archive" / "new")},
            },
        )
        assert wrong_places(settings) == [], "the control: root may"
        found = asked_by_nobody(settings)
    assert [line.partition(":")[0] for line in found] == [
        "camera.folder",
        "storage.database",
        "storage.archive.folder",
    ]
    nobody = pwd.getpwuid(NOBODY).pw_name
    assert all(f"setfacl -m u:{nobody}:" in line for line in found), found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not")
def test_what_lies_in_a_closed_home() -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        (root / "home" / "frames").mkdir(parents=True)
        (root / "open").mkdir()
        (root / "open").chmod(0o777)
        settings = station(root / "open", camera={"kind": "folder", "folder": str(root / "home" / "frames")})
        assert asked_by_nobody(settings) == [], "the control"
        (root / "home").chmod(0o700)
        (found,) = asked_by_nobody(settings)
    nobody = pwd.getpwuid(NOBODY).pw_name
    assert found.startswith(f"camera.folder: {root}/home/frames cannot be reached by this user")
    assert f"setfacl -m u:{nobody}:x {root}/home)" in found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not")
def test_a_folder_that_another_user_cannot_make_is_not_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        (root / "open").mkdir()
        (root / "open").chmod(0o777)
        monkeypatch.setenv("XDG_DATA_HOME", str(root / "open"))
        settings = station(
            root / "open",
            camera={"kind": "folder", "folder": f"{root}/plates/7"},
            storage={"database": f"sqlite:///{root}/data/trails.sqlite"},
        )
        assert all(f"(mkdir -p {root}/" in line for line in wrong_places(settings)), "the control: root can"
        camera, database = asked_by_nobody(settings)
        assert "mkdir" not in camera + database
        assert camera.endswith("/7 does not exist, and this user cannot make it: name one that is there")
        assert database.endswith(
            f"leave the setting out; the file is then {root}/open/crystal-monitor/station.sqlite"
        )
        left_out = StationSettings.model_validate({"stream": {"endpoint": f"ipc://{root}/open/frames.ipc"}})
        assert asked_by_nobody(left_out) == [], "the advice works"
