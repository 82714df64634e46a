"""`deliveries`, `test-alert` and `check-config` of alert sinks: real commands, a real server."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from monitor.clock import SystemClock
from monitor.records import Alert, AlertKind
from monitor.records.delivery import Subscription
from monitor.store import Flood, open_store
from tests import trail_results as made
from tests.free_port import free_port
from tests.integration.command_line import run
from tests.mosquitto_broker import broker, listener
from tests.webhook_receiver import WebhookServer, webhook_server

CLOCK = SystemClock()


def config(folder: Path, *sinks: dict[str, Any]) -> Path:
    path = folder / "station.toml"
    tree = {
        "name": "plate",
        "camera": {"kind": "simulated", "preset": "static"},
        "stream": {"endpoint": f"ipc://{folder}/frames.ipc"},
        "storage": {"database": f"sqlite:///{folder}/trails.sqlite"},
        "alerts": {"sinks": list(sinks)},
    }
    path.write_text(tomli_w.dumps(tree))
    return path


def hook(server: WebhookServer, **options: object) -> dict[str, Any]:
    return {"kind": "webhook", "name": "hook", "options": {"url": server.url, **options}}


def test_a_marked_message_goes_through_each_sink(tmp_path: Path) -> None:
    away = {"kind": "webhook", "name": "away", "options": {"url": f"http://127.0.0.1:{free_port()}/"}}
    with webhook_server(tmp_path) as server:
        settings = config(tmp_path, {"kind": "log"}, hook(server), away)
        all_of_them = run(tmp_path, "test-alert", settings)
        one = run(tmp_path, "test-alert", settings, "--sink", "hook")
        taken = server.taken
    assert all_of_them.code == 1, all_of_them
    assert "log (log): taken" in all_of_them.output
    assert "hook (webhook): taken" in all_of_them.output
    assert "away (webhook): NOT taken: 127.0.0.1 cannot be reached" in all_of_them.output
    assert (one.code, one.output) == (0, "hook (webhook): taken\n")
    assert [message["rule"] for message in taken] == ["test", "test"]
    assert "TEST: this is a test" in taken[0]["text"]
    assert taken[0]["key"] != taken[1]["key"]
    assert not (tmp_path / "trails.sqlite").exists(), "nothing is written into the database"


def test_what_cannot_be_used_ends_with_code_2(tmp_path: Path) -> None:
    with webhook_server(tmp_path) as server:
        settings = config(tmp_path, hook(server, secret={"file": str(tmp_path / "gone")}))
        answer = run(tmp_path, "test-alert", settings)
        unknown = run(tmp_path, "test-alert", settings, "--sink", "pager")
        assert server.requests == []
    assert answer.code == 2
    assert "the secret file" in answer.output
    assert unknown.code == 2
    assert "there is no alert sink 'pager'" in unknown.error
    assert "its sinks: hook" in unknown.error


def test_a_test_leaves_the_daemon_s_status_at_the_broker_alone(tmp_path: Path) -> None:
    with broker(tmp_path) as running, listener(running.port) as hears:
        settings = config(tmp_path, {"kind": "mqtt", "options": {"host": "127.0.0.1", "port": running.port}})
        answer = run(tmp_path, "test-alert", settings)
        assert (answer.code, answer.output) == (0, "mqtt (mqtt): taken\n")
        assert json.loads(hears.until("/alert")[0])["rule"] == "test"
        assert hears.of("/status") == []


@pytest.mark.parametrize(
    ("sink", "says"),
    [
        ({"kind": "webhook", "options": {"url": "http://lab.example/x"}}, "lab.example without encryption"),
        (
            {"kind": "webhook", "options": {"url": "https://a.b/", "secret": {"file": "/nowhere/key"}}},
            "/nowhere/key",
        ),
        ({"kind": "webhook", "options": {"url": "https://a.b/", "ca_file": "/nowhere/ca"}}, '"webhook": the certific'),
        ({"kind": "zeromq", "options": {"endpoint": "ipc:///nowhere/a"}}, '"zeromq": alerts cannot be published'),
        ({"kind": "pigeon"}, "there is no alert sink 'pigeon'"),
        ({"kind": "log", "name": "with blank"}, '[[alerts.sinks]] "with blank", name: '),
    ],
)  # fmt: skip
def test_check_config_finds_it_without_sending(sink: dict[str, Any], says: str, tmp_path: Path) -> None:
    answer = run(tmp_path, "check-config", config(tmp_path, sink))
    assert answer.code == 2, answer
    assert says in answer.error
    assert answer.error.count(says) == 1, "told once"


def test_check_config_passes_what_is_right_and_what_only_the_unit_can_see(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("swordfish")
    key.chmod(0o600)
    sinks = (
        {"kind": "webhook", "options": {"url": "https://a.b/", "secret": {"file": str(key)}}},
        {"kind": "apprise", "options": {"urls": {"credential": "alert-services"}}},
    )
    answer = run(tmp_path, "check-config", config(tmp_path, *sinks))
    assert answer.code == 0, answer
    assert "swordfish" not in answer.output + answer.error


def test_two_sinks_of_one_name_are_refused(tmp_path: Path) -> None:
    answer = run(tmp_path, "check-config", config(tmp_path, {"kind": "log"}, {"kind": "log"}))
    assert answer.code == 2
    assert "alert sinks need distinct names; used more than once: log" in answer.error


def test_deliveries_are_listed(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/trails.sqlite"
    store = open_store(database)
    store.open_outbox(CLOCK, "plate", [Subscription("hook", summarise=True)], Flood(0, 60.0))
    run_now = store.start_run(made.run_start())
    alert = Alert("blind", AlertKind.BLIND, True, "no good frame for 30 s", 30.0, 20.0)
    none = run(tmp_path, "deliveries", "--database", database)
    store.append(run_now, dataclasses.replace(made.result(0), alerts=(alert,)))
    store.close()
    table = run(tmp_path, "deliveries", "salt", "--pending", "--database", database)
    plain = json.loads(run(tmp_path, "deliveries", "last", "--json", "--database", database).output)
    assert none.output == "this run has no deliveries\n"
    assert "hook" in table.output
    assert "no good frame for 30 s" in table.output
    assert [(row["sink"], row["state"], row["attempts"]) for row in plain] == [("hook", "pending", 0)]
