"""Which station a command without settings is meant for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from monitor.analysis import meant_endpoint
from monitor.analysis.addressing import Addressed, Meant, running_here, wrong_address
from monitor.errors import WrongStationError
from monitor.settings.station import StationSettings
from tests.privileges import as_nobody


@contextmanager
def listening(*paths: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(path))
            listener.listen()
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    return tmp_path


def test_stations_have_sockets_of_their_own(folder: Path) -> None:
    bench, other = StationSettings(name="bench"), StationSettings(name="other")
    assert bench.control_endpoint == f"ipc://{folder}/bench/control.ipc"
    assert bench.stream.endpoint == f"ipc://{folder}/bench/frames.ipc"
    assert other.control_endpoint == f"ipc://{folder}/other/control.ipc"
    assert StationSettings().control_endpoint == f"ipc://{folder}/control.ipc"
    named = StationSettings.model_validate(
        {"name": "bench", "stream": {"endpoint": "ipc:///run/a/frames.ipc"}}
    )
    assert named.control_endpoint == "ipc:///run/a/control.ipc"


def test_a_units_folder_of_the_stations_name_is_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder / "bench"))
    assert StationSettings(name="bench").control_endpoint == f"ipc://{folder}/bench/control.ipc"


def test_without_settings_the_one_that_runs_is_meant(folder: Path) -> None:
    nameless = StationSettings()
    own = Meant(nameless.control_endpoint, found=False)
    assert meant_endpoint(nameless, named=False) == own, "none runs"
    with listening(folder / "bench" / "control.ipc"):
        bench = Meant(f"ipc://{folder}/bench/control.ipc", found=True)
        assert meant_endpoint(nameless, named=False) == bench
        assert meant_endpoint(nameless, named=True) == own
        with (
            listening(folder / "other" / "control.ipc"),
            pytest.raises(WrongStationError, match=r"2 stations run here, bench, other: .*--config"),
        ):
            meant_endpoint(nameless, named=False)
        assert meant_endpoint(nameless, named=False) == bench, "the other is dead"


def test_a_request_for_another_station_or_database_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    served = StationSettings.model_validate({"name": "bench", "storage": {"database": f"sqlite:///{file}"}})
    assert wrong_address(Addressed(), served) == ""
    assert wrong_address(Addressed(station="bench", database=str(file)), served) == ""
    assert "the daemon here is bench, you named other" in wrong_address(Addressed(station="other"), served)
    assert "you named /b.sqlite" in wrong_address(Addressed(station="bench", database="/b.sqlite"), served)


def test_a_station_that_may_not_be_asked_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory() as made:  # pytest's own folders let nobody else pass
        folder = Path(made)
        monkeypatch.setenv("RUNTIME_DIRECTORY", made)
        with listening(folder / "another" / "control.ipc", folder / "bench" / "control.ipc"):
            (folder / "notes.txt").touch()
            folder.chmod(0o755)
            (folder / "bench" / "control.ipc").chmod(0o666)
            (folder / "another").chmod(0)
            try:
                with as_nobody():
                    assert list(running_here()) == ["another", "bench"]
            finally:
                (folder / "another").chmod(0o700)
