"""What `check-config` finds beyond folders and files: in the words of the start that would be refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.analysis.segmenting import open_segmenter
from monitor.camera import build_camera
from monitor.cli.check_config import check_config
from monitor.clock import SystemClock
from monitor.errors import SettingsError, SourceError, StoreUnusableError
from monitor.service.start_check import wrong_at_start, wrong_experiment
from monitor.settings.station import StationSettings
from monitor.store import open_store


@pytest.fixture
def good(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings with nothing wrong."""
    tree: dict[str, Any] = {
        "storage": {"database": f"sqlite:///{tmp_path}/trails.sqlite"},
        "stream": {"endpoint": f"ipc://{tmp_path}/frames.ipc"},
        "camera": {"kind": "simulated", "preset": "demo"},
    }
    assert wrong_at_start(StationSettings.model_validate(tree)) == [], "the control"
    yield tree
    assert not list(tmp_path.glob("*.sqlite*")), "nothing was made"


def checked(tree: dict[str, Any]) -> list[str]:
    return wrong_at_start(StationSettings.model_validate(tree))


def test_an_unknown_experiment_is_found_as_the_camera_would(good: dict[str, Any]) -> None:
    settings = StationSettings.model_validate(good | {"camera": {"kind": "simulated", "preset": "lysozym"}})
    with pytest.raises(SourceError) as refusal:
        build_camera(settings.camera, SystemClock())
    assert wrong_at_start(settings) == [f"camera.preset: {refusal.value}"]
    assert wrong_experiment(settings) == wrong_at_start(settings), "on another machine as well"


@pytest.mark.parametrize(("backend", "module"), [("tensorrt", "torch"), ("openvino", "openvino")])
def test_a_back_end_that_cannot_run_is_found_as_the_engine_would(
    good: dict[str, Any], backend: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    settings = StationSettings.model_validate(good | {"analysis": {"backend": backend}})
    with pytest.raises(SettingsError) as refusal:
        open_segmenter(settings)
    assert wrong_at_start(settings) == [f"analysis: {refusal.value}"]
    assert f"The back end {backend}" in str(refusal.value)


def test_unknown_weights_are_found(good: dict[str, Any]) -> None:
    (problem,) = checked(good | {"analysis": {"model": "crystalls"}})
    assert problem.startswith("analysis: the engine cannot start: ")
    assert "crystalls" in problem


def test_a_missing_driver_is_found_as_the_store_would(
    good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = "postgresql://me@127.0.0.1:1/trails"
    tree = good | {"storage": {"database": database}}
    if "psycopg" in sys.modules or _installed():
        assert checked(tree) == [], "the control: the driver is there, and no server is asked"
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnusableError) as refusal:
        open_store(database)
    assert checked(tree) == [f"storage.database: {refusal.value}"]


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("psycopg") is not None


def test_a_folder_of_engines_that_others_may_write_is_found(good: dict[str, Any], tmp_path: Path) -> None:
    engines = tmp_path / "parent" / "engines"
    engines.mkdir(parents=True)
    tree = good | {"analysis": {"engines": str(engines)}}
    assert checked(tree) == [], "the control"
    for folder, mode in ((engines, 0o777), (engines, 0o1777), (engines.parent, 0o775)):
        folder.chmod(mode)
        (problem,) = checked(tree)
        assert problem.startswith(f"analysis.engines: The folder {folder} may be written by others")
        assert f"chmod go-w {folder}" in problem
        folder.chmod(0o755)
    engines.parent.chmod(0o1777)
    assert checked(tree) == [], "as in /tmp: what is another's cannot be renamed there"


def test_check_config_refuses_what_a_start_refuses(tmp_path: Path) -> None:
    config = tmp_path / "station.toml"
    for preset, options in (("demo", ()), ("lysozym", ()), ("lysozym", ("--settings-only",))):
        config.write_text(
            f'[camera]\nkind = "simulated"\npreset = "{preset}"\n'
            f'[storage]\ndatabase = "sqlite:///{tmp_path}/trails.sqlite"\n'
            f'[stream]\nendpoint = "ipc://{tmp_path}/frames.ipc"\n'
        )
        answer = CliRunner().invoke(check_config, [str(config), *options])
        if preset == "demo":
            assert answer.exit_code == 0, answer
            assert "nothing is wrong" in answer.output
        else:
            assert isinstance(answer.exception, SettingsError)
            assert "camera.preset" in str(answer.exception)
