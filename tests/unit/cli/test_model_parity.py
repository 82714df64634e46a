"""`model verify --parity`: what a user is told of the back ends of this machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import engine.lineup
from engine import load_card
from engine.errors import BackendUnavailableError
from engine.lineup import Candidate
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
