"""`model verify --parity`: what a user is told of the back ends of this machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import engine.lineup
from engine import load_card
from engine.errors import BackendUnavailableError
from engine.lineup import Candidate
from engine.tensorrt import EngineCard
from monitor.cli import cli
from monitor.errors import CrystalMonitorError
from tests.failing_backend import Cue


@pytest.fixture
def good(monkeypatch: pytest.MonkeyPatch) -> Cue:
    """A line-up of one that works and one that is not here."""
    cue = Cue("auto")

    def missing() -> None:
        raise BackendUnavailableError("There is no card. Put one in.")

    line_up = (Candidate("tensorrt", missing), cue.candidate())  # type: ignore[arg-type]
    monkeypatch.setattr(engine.lineup, "candidates_for", lambda *_, **__: line_up)
    return cue


def test_tells_each_back_ends_figures(good: Cue) -> None:
    answer = CliRunner().invoke(cli, ["model", "verify", "--parity", "--json"])
    assert answer.exit_code == 0
    missing, found = json.loads(answer.output)
    assert (missing["backend"], missing["passed"]) == ("tensorrt", None)
    assert "no card" in missing["reason"]
    assert found["backend"].startswith("openvino")
    assert found["passed"] is True
    assert found["mask_iou"] >= 0.995
    assert found["crystals"] >= 200
    assert good.made[0].closed
    table = CliRunner().invoke(cli, ["model", "verify", "--parity"]).output
    assert "match their card" in table
    assert "area_difference_p99" in table


def test_one_that_computes_something_else_is_a_failure(good: Cue) -> None:
    good.wrong = True
    answer = CliRunner().invoke(cli, ["model", "verify", "--parity"])
    assert answer.exit_code == 1
    assert isinstance(answer.exception, CrystalMonitorError)
    assert "area bias" in str(answer.exception)


def test_without_frames_it_is_the_users_to_mend(good: Cue, tmp_path: Path) -> None:
    card = load_card()
    for path in (card.onnx_path, card.safetensors_path):
        (tmp_path / path.name).symlink_to(path)
    bare = replace(card, parity_sha256="")
    (tmp_path / "default.json").write_text(bare.to_json())
    answer = CliRunner().invoke(cli, ["model", "verify", str(tmp_path / "default.json"), "--parity"])
    assert "no parity frames" in str(answer.exception)
    assert "python -m train parity" in str(answer.exception)


def test_looks_at_the_engines_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def nothing(*_: object, engines: Path | None, **__: object) -> tuple[Candidate, ...]:
        asked.append(engines)
        return ()

    monkeypatch.setattr(engine.lineup, "candidates_for", nothing)
    verify = ["model", "verify", "--parity"]
    assert CliRunner().invoke(cli, verify).exit_code == 0
    assert CliRunner().invoke(cli, [*verify, "--engines", str(tmp_path)]).exit_code == 0
    assert asked == [None, tmp_path]
    assert CliRunner().invoke(cli, [*verify, "--engines", str(tmp_path / "none")]).exit_code == 2


def write_engines(folder: Path) -> Path:
    """Two files that are what their cards say, as far as anybody can tell without a card; the first of them."""
    folder.mkdir()
    words = ("model", "weights_sha256", "onnx_sha256", "precision", "library")
    lists = ("positive_weights", "batches", "outputs", "compute_capabilities")
    for number in range(2):
        path = folder / f"default-{number}.engine"
        path.write_bytes(b"code" * 1000)
        entries = {entry.name: 1 for entry in fields(EngineCard)} | dict.fromkeys(words, "x")
        card = (
            entries | dict.fromkeys(lists, ()) | {"engine_sha256": hashlib.sha256(b"code" * 1000).hexdigest()}
        )
        path.with_name(path.name + ".json").write_text(EngineCard(**card).to_json())  # type: ignore[arg-type]
    return folder / "default-0.engine"


@pytest.mark.parametrize("parity", [["--parity"], []])
def test_engines_are_checked_against_their_cards_without_an_nvidia_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parity: list[str]
) -> None:
    monkeypatch.setattr(engine.lineup, "candidates_for", lambda *_, **__: ())
    folder = tmp_path / "engines"
    first = write_engines(folder)
    verify = ["model", "verify", "default", *parity, "--engines", str(folder)]
    answer = CliRunner().invoke(cli, verify)
    assert answer.exit_code == 0, answer
    assert f"2 engines in {folder}: files as their cards say" in answer.output
    assert ("not run: no NVIDIA card here" in answer.output) == bool(parity)

    folder.chmod(0o777)
    answer = CliRunner().invoke(cli, verify)
    assert (answer.exit_code, type(answer.exception)) == (1, CrystalMonitorError)
    assert str(answer.exception).startswith(
        f"engines: The folder {folder} may be written by others (mode 0777)"
    )
    folder.chmod(0o755)

    first.write_bytes(b"CODE" * 1000)
    answer = CliRunner().invoke(cli, verify)
    assert (answer.exit_code, type(answer.exception)) == (1, CrystalMonitorError)
    assert f"The engine {first} is not the one of its card" in str(answer.exception)
    assert "default-1" not in str(answer.exception), "the other is whole"
    row = json.loads(CliRunner().invoke(cli, [*verify, "--json"]).output)[-1]
    assert (row["backend"], row["passed"]) == ("engines", False)
    first.with_name(first.name + ".json").write_text("{}")
    assert "no engine card" in str(CliRunner().invoke(cli, verify).exception)
