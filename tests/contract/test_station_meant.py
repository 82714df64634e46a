"""Commands without a settings file: they reach the one station that runs here, and no other one's database."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import zmq
from click.testing import CliRunner, Result

from monitor.analysis import CommandServer, DaemonStatus
from monitor.analysis.runs import RunKeeper
from monitor.cli import cli
from monitor.clock import SystemClock
from monitor.errors import ControlError, NoAnswerError, UserError, WrongStationError
from monitor.records import Event, EventKind
from monitor.records.run import RunEnded, RunEvent
from monitor.service import doctor
from monitor.service.doctor import Grade
from monitor.settings.redaction import without_passwords
from monitor.settings.station import StationSettings
from monitor.settings.storage import user_database
from monitor.store import SqlTrailStore, open_store, run_query
from monitor.version import __version__
from tests import trail_results as made

NOTES = "SELECT message FROM event_log WHERE kind = 'note' ORDER BY event_id"


def tell(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def notes(database: str) -> list[str]:
    return [str(row[0]) for row in run_query(database, NOTES).rows]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with sockets and data of their own, and a run in their default database, open as after a kill."""
    for name in [name for name in os.environ if name.startswith("CRYSTAL_MONITOR__")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("CRYSTAL_MONITOR__CONTROL__TIMEOUT_S", "1")
    Path(user_database().removeprefix("sqlite:///")).parent.mkdir(parents=True)
    with closing(open_store(user_database())) as own:
        own.append(own.start_run(made.run_start("my own old run")), made.growing(0, 2))
    return tmp_path


@contextmanager
def daemon(served: StationSettings, keeper: RunKeeper | None) -> Iterator[None]:
    """The daemon's side of a station, in a thread; without a keeper it only says how it stands."""
    stands = DaemonStatus(
        station=served.name, database=without_passwords(served.storage.database), version=__version__, process=1,
        started_at="2026-01-01T00:00:00Z", run_id=1, frames=1, since_frame_s=1.0, since_commit_s=1.0, frame_age_s=None,
        frame_s=0.1, backend="none", degraded=False, engine="none", grabber_heard=True, camera_running=True, lost={},
    )  # fmt: skip
    stop = threading.Event()
    with zmq.Context() as context:
        server = CommandServer(context, served.control_endpoint, None, lambda _: stands, served)  # type: ignore[arg-type]  # nothing is muted here

        def serve() -> None:
            while not stop.wait(0.02):
                server.answer(keeper)  # type: ignore[arg-type]  # to be told how it stands takes none

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            server.close()


@pytest.fixture
def bench(here: Path, database: str, store: SqlTrailStore) -> Iterator[StationSettings]:
    """A station called bench, up, with its run."""
    store.append(store.start_run(made.run_start("plate 1")), made.growing(0, 3))
    address = database if "://" in database else f"sqlite:///{database}"
    served = StationSettings.model_validate({"name": "bench", "storage": {"database": address}})
    with daemon(served, RunKeeper(store, served, SystemClock())):
        yield served


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield listener


def test_the_daemon_that_runs_here_is_told_and_asked(bench: StationSettings) -> None:
    told = tell("note", "added 10 µl")
    assert told.exit_code == 0, told.output
    assert notes(bench.storage.database) == ["added 10 µl"]
    assert notes(user_database()) == []
    status = json.loads(tell("status", "--json").output)
    assert (status["station"], status["stored"]["run"]["name"]) == ("bench", "plate 1"), status
    assert status["told_by"] == "the daemon and the database"


def test_a_database_whose_password_the_daemon_keeps_is_no_trouble(here: Path) -> None:
    address = (
        f"postgresql://lab:geheim@/trails?host={here}/no-server"  # as where the server asks for the password
    )
    served = StationSettings.model_validate({"name": "bench", "storage": {"database": address}})
    with daemon(served, None):
        told = json.loads(tell("status", "--json").output)
    assert (told["verdict"], told["troubles"], told["stored"]) == ("ok", [], None), told
    assert told["told_by"].startswith("the daemon alone: the database does not answer: ")
    assert told["told_by"].endswith("with the station's settings it may be read: `status FILE`")
    assert "***" not in told["database"]
    assert "lab@" in told["database"]


def test_a_station_named_by_the_environment_alone_keeps_its_own_database(
    bench: StationSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYSTAL_MONITOR__NAME", "bench")
    assert tell("note", "by name").exit_code == 0
    assert notes(bench.storage.database) == ["by name"]
    assert json.loads(tell("status", "--json").output)["stored"]["run"]["name"] == "plate 1"


def test_the_database_of_a_station_that_is_down_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYSTAL_MONITOR__NAME", "bench")
    refused = tell("note", "for bench")
    assert isinstance(refused.exception, WrongStationError), refused.output
    assert "station bench is down, and which database is its own was not said" in str(refused.exception)
    assert notes(user_database()) == []
    assert tell("note", "for bench", "--database", user_database()).exit_code == 0
    assert notes(user_database()) == ["for bench"]


def test_a_database_that_was_named_must_be_the_daemons(
    bench: StationSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.storage.database != user_database(), "the control"
    monkeypatch.setenv("CRYSTAL_MONITOR__STORAGE__DATABASE", user_database())
    for words in (["note", "astray"], ["status"]):
        refused = tell(*words)
        assert isinstance(refused.exception, WrongStationError), refused.output
        assert f"you named {user_database().removeprefix('sqlite:///')}" in str(refused.exception)
    assert notes(bench.storage.database) == notes(user_database()) == []


def test_the_doctor_of_another_station_at_the_socket_says_so_and_goes_on(
    bench: StationSettings, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = here / "other.toml"
    config.write_text(
        f'name = "other"\n[storage]\ndatabase = "sqlite:///{here}/other.sqlite"\n'
        f'[control]\nendpoint = "ipc://{here}/bench/control.ipc"\n'
    )
    monkeypatch.setattr(
        doctor, "look_at_engine", lambda _: iter(())
    )  # it takes seconds, and is not what is asked
    found = {each.check: each for each in doctor.examine(config, {}, SystemClock())}
    assert found["daemon"].grade is Grade.FAIL
    assert found["daemon"].says == "the daemon here is bench, you named other"
    assert "name the settings of the station" in found["daemon"].remedy
    assert {"places", "camera", "metrics"} <= set(found), "the rest is looked at"


def test_a_command_for_a_station_that_does_not_answer_is_written_nowhere_else(here: Path) -> None:
    assert tell("note", "nobody listens").exit_code == 0
    assert notes(user_database()) == ["nobody listens"], "the control: with nobody there the store is told"
    with listening(here / "bench" / "control.ipc"):
        for words in (["note", "for bench"], ["ack", "1"], ["zero"], ["mute", "5"]):
            refused = tell(*words)
            assert isinstance(refused.exception, NoAnswerError), refused.output
            assert "no answer within 1 s; what you asked for may still be done" in str(refused.exception)
    assert notes(user_database()) == ["nobody listens"]
    kinds = run_query(user_database(), "SELECT COUNT(*) FROM event_log WHERE kind = 'time_zero'").rows
    assert kinds[0][0] == 0


def test_a_command_for_a_station_that_ends_meanwhile_is_written_nowhere_else(here: Path) -> None:
    def end_with_the_first_knock() -> None:
        connection, _ = listener.accept()
        listener.close()
        connection.close()

    with listening(here / "bench" / "control.ipc") as listener:
        thread = threading.Thread(target=end_with_the_first_knock)
        thread.start()
        refused = tell("note", "for bench")
        thread.join()
    # Where the second knock came before the end, it is the silence that is told.
    assert isinstance(refused.exception, ControlError), refused.output
    assert notes(user_database()) == []


def test_an_event_is_acknowledged_where_no_run_is_open() -> None:
    with closing(open_store(user_database())) as own:
        run = own.resume_run()
        assert run is not None
        own.record(run, RunEvent(made.at(8), Event(EventKind.ALERT_RAISED, "too hot")))
        own.record(run, RunEnded(made.at(9)))
    refused = tell("zero")
    assert "no run is open" in str(refused.exception), "the control"
    raised = "SELECT event_id FROM event_log WHERE kind = 'alert_raised'"
    (alert,) = run_query(user_database(), raised).column("event_id")
    done = tell("ack", str(alert), "--reason", "seen")
    assert done.exit_code == 0, done.exception
    acknowledged = "SELECT event_id FROM event_log WHERE acknowledged_at IS NOT NULL"
    assert [row[0] for row in run_query(user_database(), acknowledged).rows] == [alert]
    no_alert = tell("ack", "1")
    assert isinstance(no_alert.exception, UserError), "exit code 2"
    assert str(no_alert.exception).startswith("event 1 is no alert (run_started)")
    missing = tell("ack", "4711")
    assert "there is no event 4711" in str(missing.exception)
    assert missing.exit_code != 0
