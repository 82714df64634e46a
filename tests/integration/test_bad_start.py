"""Mistakes at a start: a message with the remedy and exit code 2; no stack trace, nothing made, nothing lost."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

import engine
from tests.integration.command_line import Answer, Call, run_all

GOOD_IMAGES = 2


@dataclass(frozen=True)
class Mistake:
    """One row of the table."""

    command: str
    """The command line; `{…}` are the places of `Ground`."""
    says: tuple[str, ...]
    """What the message must have: the value that is wrong, and the remedy."""
    settings: str = ""
    """Contents of the settings file `{config}`."""
    variables: dict[str, str] = field(default_factory=dict)


REPLAY = "replay {images} --interval-s 1 --database {database}"

MISTAKES: dict[str, Mistake] = {
    "misspelt key in the file": Mistake(
        "check-config {config}", ("intervall_s", "did you mean 'interval_s'"), "[analysis]\nintervall_s = 5"
    ),
    "misspelt table in the file": Mistake(
        "analyze {config}", ("analisys", "did you mean 'analysis'"), "[analisys]\ninterval_s = 5"
    ),
    "misspelt group in the environment": Mistake(
        "check-config",
        ("CRYSTAL_MONITOR__ANALISYS__INTERVAL_S", "did you mean 'analysis'"),
        variables={"CRYSTAL_MONITOR__ANALISYS__INTERVAL_S": "5"},
    ),
    "misspelt key in the environment": Mistake(
        "check-config",
        ("CRYSTAL_MONITOR__ANALYSIS__INTERVALL_S", "did you mean 'interval_s'"),
        variables={"CRYSTAL_MONITOR__ANALYSIS__INTERVALL_S": "5"},
    ),
    "value out of range": Mistake(
        "check-config {config}",
        ("[analysis] interval_s", "-5", "greater than or equal to 0"),
        "[analysis]\ninterval_s = -5",
    ),
    "no number in the environment": Mistake(
        "check-config",
        ("variable CRYSTAL_MONITOR__ANALYSIS__INTERVAL_S", "often", "number"),
        variables={"CRYSTAL_MONITOR__ANALYSIS__INTERVAL_S": "often"},
    ),
    "settings file that is no TOML": Mistake(
        "run {config}", ("station.toml", "not valid TOML"), "[analysis\n"
    ),
    "missing settings file": Mistake("run {folder}/no.toml", ("no.toml", "does not exist", "check the path")),
    "settings file that is a folder": Mistake("grab {folder}", ("is a folder", "name the TOML file")),
    "missing folder of images": Mistake(
        "replay {folder}/none --interval-s 1 --database {database}", ("/none", "check its name")
    ),
    "folder without images": Mistake(
        "replay {empty} --interval-s 1 --database {database}", ("empty", "no image")
    ),
    "images without a time": Mistake(
        "replay {images} --database {database}", ("--interval-s", "--timestamps")
    ),
    "missing timestamps": Mistake(
        "replay {images} --timestamps {folder}/no.csv --database {database}", ("no.csv", "check its name")
    ),
    "timestamps that are none": Mistake(
        "replay {images} --timestamps {text} --database {database}", ("notes.txt", "file,seconds")
    ),
    "video that is none": Mistake(
        "replay {noise} --interval-s 1 --database {database}", ("noise.mp4", "convert it")
    ),
    "watched folder that is missing": Mistake(
        "check-config {config}", ("camera.folder", "make it"), '[camera]\nkind = "folder"\nfolder = "nowhere"'
    ),
    "database in a folder that cannot be made": Mistake(
        "replay {images} --interval-s 1 --database sqlite:///{text}/trails.sqlite", ("notes.txt",)
    ),
    "database that cannot be written": Mistake(
        "replay {images} --interval-s 1 --database sqlite:////proc/trails.sqlite", ("/proc", "permission")
    ),
    "database that is none": Mistake(
        "replay {images} --interval-s 1 --database sqlite:///{text}", ("notes.txt", "database")
    ),
    "reading a database that is missing": Mistake(
        "runs --database sqlite:///{folder}/none.sqlite",
        ("none.sqlite", "there is no database", "--database"),
    ),
    "reading a database that is none": Mistake("runs --database sqlite:///{text}", ("notes.txt", "database")),
    "address that is no database": Mistake("runs --database mysql://root@here/db", ("mysql", "sqlite:///")),
    "run that is not there": Mistake("trails 7 --database {good}", ("7", "run")),
    "weights that do not match their card": Mistake(
        REPLAY,
        ("SHA-256", "default.onnx"),
        variables={"CRYSTAL_MONITOR__ANALYSIS__MODEL": "{spoilt}/default.json"},
    ),
    "weights that are not there": Mistake(
        REPLAY, ("crystalls", "Shipped: "), variables={"CRYSTAL_MONITOR__ANALYSIS__MODEL": "crystalls"}
    ),
    "verifying spoilt weights": Mistake("model verify {spoilt}/default.json", ("SHA-256",)),
    "unknown back end": Mistake(
        REPLAY, ("tensorflow", "openvino"), variables={"CRYSTAL_MONITOR__ANALYSIS__BACKEND": "tensorflow"}
    ),
    "back end that cannot run": Mistake(
        REPLAY,
        ("torch", "not installed"),
        variables={"CRYSTAL_MONITOR__ANALYSIS__BACKEND": "torch", "PYTHONPATH": "{without_torch}"},
    ),
    "unknown camera kind": Mistake(
        "grab {config}",
        ("camera", "telescope", "'simulated', 'folder', 'video', 'plugin'"),
        '[camera]\nkind = "telescope"',
    ),
    "camera without a kind": Mistake("grab {config}", ("camera", "add kind ="), "[camera]\nframes_per_s = 3"),
    "camera of a package that is not installed": Mistake(
        "grab {config}", ("zeiss",), '[camera]\nkind = "plugin"\nname = "zeiss"'
    ),
    "unknown experiment": Mistake(
        "grab {config}", ("lysozym", "demo"), '[camera]\nkind = "simulated"\npreset = "lysozym"'
    ),
    "checking an unknown experiment": Mistake(
        "check-config {config}",
        ("camera.preset", "lysozym", "demo"),
        '[camera]\nkind = "simulated"\npreset = "lysozym"',
    ),
    "checking a back end that cannot run": Mistake(
        "check-config {config}",
        ("the engine cannot start", "torch", "not installed"),
        '[analysis]\nbackend = "torch"',
        variables={"PYTHONPATH": "{without_torch}"},
    ),
    "unknown preset of the demo": Mistake(
        "demo --preset lysozym --database {database}", ("lysozym", "needles")
    ),
    "socket's path that is too long": Mistake(
        "grab {config}", ("107", "shorter"), f'[stream]\nendpoint = "ipc:///tmp/{"x" * 120}/frames.ipc"'
    ),
    "control socket's path that is too long": Mistake(
        "analyze {config}",
        ("107", "[control] endpoint"),
        f'[control]\nendpoint = "ipc:///tmp/{"x" * 120}/control.ipc"',
    ),
    "stream's address that is a folder": Mistake(
        "grab {config}", ("ipc:///usr/lib names a folder",), '[stream]\nendpoint = "ipc:///usr/lib"'
    ),
    "control address that is a folder": Mistake(
        "analyze {config}", ("ipc:///usr/lib names a folder",), '[control]\nendpoint = "ipc:///usr/lib"'
    ),
    "alerts' address that is a folder": Mistake(
        "analyze {config}",
        ("ipc:///usr/lib names a folder",),
        '[[alerts.sinks]]\nkind = "zeromq"\noptions = { endpoint = "ipc:///usr/lib" }',
    ),
    "unknown alert sink": Mistake("analyze {config}", ("pigeon",), '[[alerts.sinks]]\nkind = "pigeon"'),
    "command that is not there": Mistake("replai {images}", ("replai",)),
    "option that is not there": Mistake("replay {images} --fps 3", ("--fps",)),
    "calibration that is none": Mistake("replay {images} --um-per-px 0", ("--um-per-px",)),
    "missing still": Mistake("segment {folder}/no.png --out {folder}/out", ("no.png", "does not exist")),
    "silence of a year": Mistake("mute 31536000 --database {good}", ("31536000", "604800")),
    "event of no number": Mistake("ack 0 --database {good}", ("0",)),
    "note without a database": Mistake(
        "note hello --database sqlite:///{folder}/none.sqlite", ("none.sqlite",)
    ),
}


class Ground:
    """The files that the mistakes are made with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = {
            "folder": folder,
            "images": folder / "images",
            "empty": folder / "empty",
            "text": folder / "notes.txt",
            "noise": folder / "noise.mp4",
            "database": f"sqlite:///{folder}/new.sqlite",
            "good": f"sqlite:///{folder}/good.sqlite",
            "spoilt": folder / "spoilt",
            "without_torch": folder / "without_torch",
        }
        (folder / "images").mkdir()
        (folder / "empty").mkdir()
        for number in range(GOOD_IMAGES):
            noise = np.random.default_rng(number).integers(90, 160, (64, 64), dtype=np.uint8)
            cv2.imwrite(str(folder / "images" / f"{number}.png"), noise)
        (folder / "noise.mp4").write_bytes(np.random.default_rng(9).bytes(20_000))
        (folder / "notes.txt").write_text("These are notes and no database, table or video.\n" * 99)
        self._spoil_weights(folder / "spoilt")
        self._shadow_torch(folder / "without_torch")

    @staticmethod
    def _spoil_weights(folder: Path) -> None:
        card = engine.load_card("default")
        shutil.copytree(card.folder, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        shutil.copy(card.safetensors_path, folder)
        weights = bytearray(card.onnx_path.read_bytes())
        weights[len(weights) // 2] ^= 1
        (folder / "default.onnx").write_bytes(weights)

    @staticmethod
    def _shadow_torch(folder: Path) -> None:
        """A package path on which torch is not installed, whatever is installed on this machine."""
        folder.mkdir()
        (folder / "torch.py").write_text("raise ImportError('No module named torch')\n")
        for room in ("monitor", "engine"):
            (folder / room).symlink_to(Path(engine.__file__).parents[1] / room)

    def write_settings(self, name: str, text: str) -> Path:
        path = self.folder / name.replace(" ", "_") / "station.toml"
        path.parent.mkdir()
        own = f'[storage]\ndatabase = "sqlite:///{path.parent}/new.sqlite"\n'
        stream = "" if "[stream]" in text else f'[stream]\nendpoint = "ipc://{self.folder}/f.ipc"\n'
        path.write_text(f"{text}\n{own}{stream}")
        return path


def _make_good_database(ground: Ground) -> None:
    from monitor.store import open_store

    open_store(str(ground.places["good"]), "FULL").close()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    made = Ground(tmp_path_factory.mktemp("bad", numbered=True))
    _make_good_database(made)
    return made


@pytest.fixture(scope="module")
def answers(ground: Ground) -> dict[str, Answer]:
    calls: dict[str, Call] = {}
    for name, mistake in MISTAKES.items():
        config = ground.write_settings(name, mistake.settings)
        places = {**ground.places, "config": config}
        arguments = tuple(word.format(**places) for word in mistake.command.split())
        calls[name] = (arguments, {key: value.format(**places) for key, value in mistake.variables.items()})
    calls["control: nothing is wrong"] = (("check-config",), {})
    return run_all(ground.folder, calls)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_without_a_mistake_the_same_ground_serves(answers: dict[str, Answer]) -> None:
    control = answers["control: nothing is wrong"]
    assert control.code == 0, control
    assert "nothing is wrong" in control.output


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_a_message_with_its_remedy(name: str, answers: dict[str, Answer]) -> None:
    answer = answers[name]
    assert answer.code == 2, answer
    assert answer.output == "", answer
    assert "Traceback" not in answer.error
    for part in MISTAKES[name].says:
        assert part in answer.error, answer.error


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mistakes_make_nothing_and_lose_nothing(ground: Ground, answers: dict[str, Answer]) -> None:
    assert answers, "the control: the mistakes were made"
    assert (ground.folder / "notes.txt").read_text().startswith("These are notes"), "a file was overwritten"
    assert len(list((ground.folder / "images").iterdir())) == GOOD_IMAGES
    assert not list(ground.folder.rglob("none.sqlite*"))
    for database in ground.folder.rglob("new.sqlite"):
        connection = sqlite3.connect(database)
        assert connection.execute("SELECT COUNT(*) FROM run_summary").fetchone() == (0,), database
        connection.close()
