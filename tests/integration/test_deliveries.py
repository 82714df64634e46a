"""Broker and webhook down, then back, the analysis killed three times: every alert arrives, in order."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.integration.alert_station import AlertStation
from tests.integration.database_rows import rows
from tests.mosquitto_broker import broker, listener
from tests.webhook_receiver import webhook_server

PATIENCE_S = 60.0


class Watch:
    """Asks the station's database."""

    def __init__(self, database: Path, station: AlertStation) -> None:
        self._database = database
        self._station = station

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return rows(self._database, sql)

    def count(self, what: str) -> int:
        found = self.rows(f"SELECT COUNT(*) AS n FROM {what}")
        return int(found[0]["n"]) if found else 0

    def until(self, question: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not question():
            assert time.monotonic() < end, f"in vain for {what}\n{self._station.log()}"
            assert self._station.runs, self._station.log()
            time.sleep(0.05)

    def more_alerts(self, more: int) -> None:
        wanted = self.count("event_log WHERE alert_kind = 'engine'") + more
        self.until(lambda: self.count("event_log WHERE alert_kind = 'engine'") >= wanted, f"{wanted} alerts")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_alert_arrives_in_order_whoever_was_down_or_killed(tmp_path: Path) -> None:
    for name in ("hook", "broker"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        hook = stack.enter_context(webhook_server(tmp_path / "hook"))
        mqtt = stack.enter_context(broker(tmp_path / "broker"))
        hears = stack.enter_context(listener(mqtt.port, "a listener that is remembered"))
        station = AlertStation(configure(tmp_path, hook.url, mqtt.port))
        stack.callback(station.end)
        watch = Watch(tmp_path / "trails.sqlite", station)
        station.start()
        watch.more_alerts(6)
        watch.until(lambda: len(hook.taken) > 3, "the control: the webhook gets alerts")
        hears.until("/alert", 3)

        hook.stop()
        mqtt.stop()
        watch.more_alerts(10)
        failing = "delivery_log WHERE state = 'pending' AND attempts > 0"
        watch.until(lambda: watch.count(failing) >= 2, "both sinks to fail")
        station.kill()
        station.start()
        watch.more_alerts(6)
        hook.start()
        watch.more_alerts(4)
        station.kill()
        station.start()
        watch.more_alerts(4)
        mqtt.start()
        watch.until(
            lambda: watch.count("delivery_log WHERE state = 'sent'") > 20, "the first ones to be sent"
        )
        station.kill()
        station.start()
        watch.more_alerts(4)
        (tmp_path / "quiet").touch()
        watch.until(lambda: not watch.count("delivery_log WHERE state = 'pending'"), "all to be sent")
        alerts = watch.rows("SELECT * FROM event_log WHERE rule = 'engine' ORDER BY event_id")
        assert station.stop() == 0, station.log()

        assert watch.rows("SELECT DISTINCT state FROM delivery_log") == [{"state": "sent"}]
        assert watch.count("run_summary") == 1, "the control: it is one run, resumed three times"
        assert watch.count("event_log WHERE kind = 'run_resumed'") == 3
        heard = [json.loads(payload) for payload in hears.of("/alert")]
        for received in (hook.taken, heard):
            arrived(received, alerts)


def configure(folder: Path, url: str, port: int) -> Path:
    tree = {
        "name": "plate",
        "stream": {"endpoint": f"ipc://{folder}/frames.ipc"},
        "storage": {"database": f"sqlite:///{folder}/trails.sqlite"},
        "alerts": {
            "rules": [{"kind": "engine", "name": "engine", "cooldown_s": 0.0}],
            "delivery": {"retry_first_s": 0.1, "retry_longest_s": 0.5, "summary": {"more_than": 0}},
            "sinks": [
                {"kind": "webhook", "name": "hook", "options": {"url": url, "timeout_s": 2.0}},
                {"kind": "mqtt", "options": {"host": "127.0.0.1", "port": port, "timeout_s": 2.0}},
            ],
        },
    }
    config = folder / "station.toml"
    config.write_text(tomli_w.dumps(tree))
    return config


def arrived(received: list[dict[str, Any]], alerts: list[dict[str, Any]]) -> None:
    """Every alert of the store, those of a rule and field in order, repetitions under the same key."""
    keys: dict[int, set[str]] = {}
    first: list[dict[str, Any]] = []
    for one in received:
        if one["event_id"] not in keys:
            first.append(one)
        keys.setdefault(one["event_id"], set()).add(one["key"])
    assert set(keys) == {alert["event_id"] for alert in alerts}, "one is missing, or nobody knows it"
    assert all(len(own) == 1 for own in keys.values()), "repetitions have the key of the first"
    assert len({next(iter(own)) for own in keys.values()}) == len(alerts), "each alert has a key of its own"
    for field in ("A1", "A2"):
        its = [one for one in first if one["field"] == field]
        assert [one["event_id"] for one in its] == sorted(one["event_id"] for one in its)
        turns = [one["raised"] for one in its]
        assert len(turns) > 10, "the control"
        assert all(a != b for a, b in itertools.pairwise(turns)), "nothing was told twice in a row"
