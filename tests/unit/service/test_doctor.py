"""What the doctor finds, each with a remedy; and that it finds nothing where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.service.doctor import Finding, Grade, examine
from monitor.service.doctor.database import look_at_database
from monitor.service.doctor.engine import look_at_engine
from monitor.service.doctor.machine import look_at_machine
from monitor.service.doctor.station import look_at_station
from monitor.service.station_status import station_status
from monitor.settings.analysis import AnalysisSettings
from monitor.settings.loading import load_settings
from monitor.settings.storage import StorageSettings
from monitor.store import open_store


def by_check(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def wrong(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings if finding.grade is not Grade.OK}


def of_station(folder: Path, **sections: Any) -> dict[str, Finding]:
    tree: dict[str, Any] = {
        "stream": {"endpoint": f"ipc://{folder}/frames.ipc"},
        "storage": {"database": f"sqlite:///{folder}/trails.sqlite"},
        **sections,
    }
    settings = load_settings(None, tree)
    return by_check(look_at_station(settings, station_status(settings), SystemClock()))


class TestDatabase:
    def test_one_that_is_well_is_well(self, tmp_path: Path) -> None:
        open_store(f"sqlite:///{tmp_path / 't.sqlite'}").close()
        found = by_check(look_at_database(StorageSettings(database=f"sqlite:///{tmp_path / 't.sqlite'}")))
        assert {"storage.database", "integrity", "size", "disk", "file system", "permissions"} <= set(found)
        assert {check for check, each in wrong(found.values()).items()} <= {"disk"}, (
            "the test's disk may be small"
        )

    def test_damage_is_found(self, tmp_path: Path) -> None:
        path = tmp_path / "t.sqlite"
        open_store(f"sqlite:///{path}").close()
        content = bytearray(path.read_bytes())
        content[4096:8192] = b"\xa5" * 4096
        path.write_bytes(content)
        found = wrong(look_at_database(StorageSettings(database=f"sqlite:///{path}")))
        assert found["integrity"].grade is Grade.FAIL
        assert "backup" in found["integrity"].remedy

    def test_what_is_no_database_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "t.sqlite").write_text("crystals " * 1000)
        assert "integrity" in wrong(
            look_at_database(StorageSettings(database=f"sqlite:///{tmp_path / 't.sqlite'}"))
        )
        assert (
            wrong(look_at_database(StorageSettings(database="mysql://here/there")))["storage.database"].grade
            is Grade.FAIL
        )

    def test_a_database_that_everybody_may_read_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / "t.sqlite"
        open_store(f"sqlite:///{path}").close()
        path.chmod(0o644)
        assert (
            wrong(look_at_database(StorageSettings(database=f"sqlite:///{path}")))["permissions"].remedy
            == f"chmod 640 {path}"
        )
        path.chmod(0o666)
        assert (
            "others may write"
            in wrong(look_at_database(StorageSettings(database=f"sqlite:///{path}")))["permissions"].says
        )

    def test_one_that_is_not_made_yet_is_not_wrong_and_not_made(self, tmp_path: Path) -> None:
        found = by_check(look_at_database(StorageSettings(database=f"sqlite:///{tmp_path / 't.sqlite'}")))
        assert found["storage.database"].grade is Grade.OK
        assert not list(tmp_path.iterdir())

    def test_a_server_that_is_away_is_said_without_the_password(self) -> None:
        found = by_check(
            look_at_database(StorageSettings(database="postgresql://me:s3cret@127.0.0.1:1/none"))
        )["storage.database"]
        assert found.grade is Grade.FAIL
        assert "s3cret" not in found.says + found.remedy


class TestStation:
    def test_a_folder_that_is_missing_is_said_with_its_setting(self, tmp_path: Path) -> None:
        found = of_station(tmp_path, camera={"kind": "folder", "folder": str(tmp_path / "none")})
        assert found["camera.folder"].grade is Grade.FAIL
        assert "mkdir" in found["camera.folder"].remedy

    def test_a_daemon_that_is_down_is_a_warning(self, tmp_path: Path) -> None:
        assert of_station(tmp_path)["daemon"].grade is Grade.WARN

    def test_a_camera_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        found = of_station(tmp_path, camera={"kind": "video", "source": 97})["camera"]
        assert found.grade is Grade.FAIL, found

    def test_a_secret_that_cannot_be_read_is_said(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        metrics = {"listen": "192.0.2.7:9464", "token": {"file": str(token)}}
        assert of_station(tmp_path, metrics=metrics)["metrics.token"].grade is Grade.FAIL
        token.write_text("x")
        token.chmod(0o600)
        found = of_station(tmp_path, metrics=metrics)
        assert found["metrics.token"].grade is Grade.OK, "the control"
        assert "in the clear" in found["metrics"].says

    def test_a_sink_that_there_is_not_is_said(self, tmp_path: Path) -> None:
        found = wrong(of_station(tmp_path, alerts={"sinks": [{"kind": "pigeon"}]}).values())
        assert any("pigeon" in each.says and each.remedy for each in found.values())


class TestEngine:
    def test_weights_that_are_not_there_end_it(self, tmp_path: Path) -> None:
        found = list(look_at_engine(AnalysisSettings(model="nothing")))
        assert [(each.check, each.grade) for each in found] == [
            ("kernels", Grade.OK),
            ("weights", Grade.FAIL),
        ]
        assert "compiled by" in found[0].says

    def test_a_back_end_that_is_named_and_cannot_run_fails(self) -> None:
        found = by_check(look_at_engine(AnalysisSettings(backend="tensorrt", threads=1)))
        assert found["weights"].grade is Grade.OK
        assert found["back end openvino"].grade is Grade.OK
        assert found["back end tensorrt"].grade is Grade.FAIL
        assert "NVIDIA driver" in found["back end tensorrt"].remedy


def test_the_machine_is_described() -> None:
    found = by_check(look_at_machine())
    assert {"version", "packages", "processor", "memory", "graphics card", "clock"} == set(found)
    assert "cores" in found["processor"].says


@pytest.mark.slow
def test_whatever_is_wrong_has_a_remedy_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "station.toml"
    config.write_text("[analysis]\nbackend = 'openvino'\nintervall_s = 3\n")
    overrides: dict[str, dict[str, object]] = {"storage": {"database": f"sqlite:///{tmp_path}/t.sqlite"}}
    found = list(examine(config, overrides, SystemClock()))
    settings = by_check(found)["settings"]
    assert settings.grade is Grade.FAIL
    assert "intervall_s" in settings.says + settings.remedy
    assert by_check(found)["parity"].grade is Grade.OK, "the engine was looked at all the same"
    assert [each for each in found if each.grade is not Grade.OK and not each.remedy] == []


def test_it_refuses_the_engines_that_check_config_refuses(tmp_path: Path) -> None:
    engines = tmp_path / "engines"
    engines.mkdir()
    analysis = {"engines": str(engines)}
    assert of_station(tmp_path, analysis=analysis)["places"].grade is Grade.OK, "the control"
    engines.chmod(0o777)
    found = of_station(tmp_path, analysis=analysis)
    assert "places" not in found
    assert found["analysis.engines"].grade is Grade.FAIL
    assert "may be written by others (mode 0777)" in found["analysis.engines"].says
    engines.chmod(0o755)
    (engines / "default-1024x1024-fp16.engine").write_bytes(b"another's code")
    found = of_station(tmp_path, analysis=analysis)
    assert "has no card that can be read beside it" in found["analysis.engines"].says
