"""The published schema, the descriptions with units, the samples, the default places."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.settings import stream
from monitor.settings.loading import load_settings
from monitor.settings.station import StationSettings

ROOT = Path(__file__).resolve().parents[3]
COMMITTED = ROOT / "monitor" / "settings" / "schema.json"
SAMPLES = sorted((ROOT / "deploy" / "config").glob("*.toml"))
UNIT_OF_SUFFIX = {
    "_s": r"\b[Ss]econds?\b|\bs\b",
    "_px": r"\bpx\b|\bpixels?\b|px²|[Cc]olumns|[Rr]ows",
    "_um": r"µm",
    "_um3_per_s": r"µm³/s",
    "_um_per_s": r"µm/s",
    "_px_per_s": r"px/s",
    "_um_per_px": r"µm",
    "_per_s": r"1/s|per second",
}


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every setting: its model, its name, its schema."""
    schema = StationSettings.model_json_schema()
    models = {"StationSettings": schema, **schema["$defs"]}
    for model, definition in models.items():
        for name, value in definition.get("properties", {}).items():
            # A description that is its group's own word for word stands with the group alone.
            group = schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
            yield model, name, {**group, **value}


def test_the_committed_schema_is_that_of_the_code() -> None:
    generated = StationSettings.model_json_schema()
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == generated, (
        "the settings have changed: run `crystal-monitor check-config --schema > monitor/settings/schema.json`"
    )


def test_the_schema_is_the_same_on_every_machine() -> None:
    assert str(Path.home()) not in COMMITTED.read_text(encoding="utf-8")


def test_every_setting_has_a_description() -> None:
    found = list(properties())
    assert len(found) > 100, "the control: settings were found"
    assert [f"{model}.{name}" for model, name, value in found if not value.get("description")] == []


def test_every_quantity_states_its_unit() -> None:
    judged, silent = 0, []
    for model, name, value in properties():
        suffix = max((end for end in UNIT_OF_SUFFIX if name.endswith(end)), key=len, default=None)
        if suffix is None or name == "frames_per_s":
            continue
        judged += 1
        if not re.search(UNIT_OF_SUFFIX[suffix], value["description"]):
            silent.append(f"{model}.{name}: {value['description']}")
    assert judged > 40, "the control: quantities were found"
    assert silent == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_loads_and_explains_itself(sample: Path) -> None:
    settings = load_settings(sample)
    assert settings.name != "station", "a sample names its station"
    text = sample.read_text(encoding="utf-8")
    assert f"crystal-monitor check-config deploy/config/{sample.name}" in text
    assert f"crystal-monitor run deploy/config/{sample.name}" in text


def test_there_is_a_sample_for_every_kind_of_camera_that_comes_with_it() -> None:
    assert {load_settings(sample).camera.kind for sample in SAMPLES} == {"simulated", "folder", "video"}


class TestDefaultEndpoint:
    @pytest.fixture(autouse=True)
    def _clean(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        monkeypatch.setattr(stream, "SYSTEM_FOLDER", tmp_path / "run" / "crystal-monitor")

    def test_under_systemd_it_is_the_units_folder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/crystal-monitor:/run/other")
        assert stream.default_endpoint() == "ipc:///run/crystal-monitor/frames.ipc"

    def test_a_system_folder_that_may_be_written_comes_first(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        stream.SYSTEM_FOLDER.mkdir(parents=True)
        assert stream.default_endpoint() == f"ipc://{stream.SYSTEM_FOLDER}/frames.ipc"

    def test_else_it_is_the_users_own(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        assert stream.default_endpoint() == f"ipc://{tmp_path}/crystal-monitor/frames.ipc"
        assert StationSettings().control_endpoint == f"ipc://{tmp_path}/crystal-monitor/control.ipc"

    def test_without_any_it_is_among_the_temporary_files(self) -> None:
        folder = stream.default_endpoint().removeprefix("ipc://")
        assert folder.startswith(f"{tempfile.gettempdir()}/crystal-monitor-")
        assert re.search(r"-\d+/frames\.ipc$", folder)
