"""Scrape sample, alert rules and board against a real Prometheus that scrapes a real station."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.service.simulated_run import preset
from tests.deploy.prometheus_server import DEPLOY, RULES, PrometheusServer, program
from tests.free_port import free_port
from tests.integration.live_station import LiveStation

HERE = Path(__file__).resolve().parent
BOARD = json.loads((HERE.parents[1] / "deploy/grafana/crystal-monitor.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['id']}{target['refId']} {panel['title']}")
    for panel in PANELS
    for target in panel["targets"]
] + [pytest.param(each["expr"], id=each["name"]) for each in BOARD["annotations"]["list"]]
METRIC = re.compile(r"\b(crystal_monitor_\w+|process_\w+)\b")
T95_PATIENCE_S = 150.0


@dataclass
class Observed:
    """A station that has come so far that every figure is known, and the Prometheus that scraped it."""

    prometheus: PrometheusServer
    station: LiveStation
    port: int

    def exposition(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    program("prometheus")
    small = preset("demo", 1).model_copy(update={"width_px": 256, "height_px": 256})
    port = free_port()
    camera = {
        "frames_per_s": 6.0,
        "time_compression": 60.0,
        "simulation": small.model_dump(mode="json", exclude_none=True),
    }
    with tempfile.TemporaryDirectory(prefix="cm-") as folder:
        (Path(folder) / "prometheus").mkdir()
        metrics = {"listen": f"127.0.0.1:{port}", "store_every_s": 0.5}
        alerts = {"sinks": [{"kind": "log"}]}
        with (
            PrometheusServer(Path(folder) / "prometheus", port) as prometheus,
            LiveStation(Path(folder), camera=camera, metrics=metrics, alerts=alerts) as station,
        ):
            end = time.monotonic() + T95_PATIENCE_S
            while len(prometheus.query("count_over_time(crystal_monitor_t95_high_seconds[15s]) > 3")) == 0:
                assert time.monotonic() < end, f"there was no forecast\n{station.log()}"
                time.sleep(0.5)
            yield Observed(prometheus, station, port)


def everywhere(expression: str) -> str:
    """The query of a panel as the board sends it."""
    return expression.replace("$instance", ".*").replace("$__rate_interval", "30s").replace("$__range", "5m")


@pytest.mark.parametrize(
    "kind", [["check", "rules", str(RULES)], ["check", "config", str(DEPLOY / "prometheus.yml")]]
)
def test_promtool_finds_nothing_wrong(kind: list[str]) -> None:
    done = subprocess.run([program("promtool"), *kind], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout


def test_every_rule_fires_on_its_case_and_not_before() -> None:
    cases = HERE / "prometheus_rules_cases.yml"
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(cases)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rules = {rule["alert"] for rule in rules_of(RULES)}
    fired = set(
        re.findall(r'exp_samples:\s+- labels: \'\{alertname="(\w+)"', cases.read_text(encoding="utf-8"))
    )
    assert fired == rules, "every rule has a case in which it fires"


def rules_of(path: Path) -> list[dict[str, Any]]:
    return [
        rule
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("expression", QUERIES)
def test_every_query_of_the_board_is_answered_with_data(expression: str, observed: Observed) -> None:
    control = 'crystal_monitor_crystals{job="crystal-monitor",instance="nowhere"}'
    assert observed.prometheus.query(control) == [], "the control: a query without data is seen"
    found = observed.prometheus.query(everywhere(expression))
    assert found, everywhere(expression)
    assert any(sample["value"][1] != "NaN" for sample in found)


@pytest.mark.timeout(240)
def test_every_metric_that_rules_and_board_name_is_served(observed: Observed) -> None:
    served = {
        line.split()[0].partition("{")[0] for line in observed.exposition().splitlines() if line[0] != "#"
    }
    named = {name for rule in rules_of(RULES) for name in METRIC.findall(rule["expr"])}
    named |= {name for query in QUERIES for name in METRIC.findall(str(query.values[0]))}
    assert len(named) > 30, "the control: names were found"
    assert sorted(named - served) == []


@pytest.mark.timeout(240)
def test_promtool_takes_the_exposition(observed: Observed) -> None:
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=observed.exposition(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(240)
def test_a_station_that_is_well_raises_nothing(observed: Observed) -> None:
    groups = observed.prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {rule["alert"] for rule in rules_of(RULES)}
    assert [rule["lastError"] for rule in rules if rule["health"] != "ok"] == []
    firing = observed.prometheus.query('ALERTS{alertstate="firing"}')
    assert [alert["metric"] for alert in firing] == []


@pytest.mark.timeout(240)
def test_the_figures_are_those_of_the_database(observed: Observed) -> None:
    def figure(expression: str) -> float:
        (sample,) = observed.prometheus.query(expression)
        return float(sample["value"][1])

    births = figure('sum(crystal_monitor_trails_begun_total{kind="born"})')
    stored = observed.station.rows("SELECT COUNT(*) AS n FROM trail_summary WHERE birth_kind = 'born'")
    assert 0 < births <= stored[0]["n"]
    frames = figure("sum(crystal_monitor_frames_total)")
    assert observed.station.frames() - 40 <= frames <= observed.station.frames()
    grabbed, lost = (
        figure("crystal_monitor_grabber_grabbed_total"),
        figure("sum(crystal_monitor_frames_lost_total)"),
    )
    assert grabbed - 2 <= frames + lost + figure("crystal_monitor_frames_behind") <= grabbed + 2
    (state,) = observed.prometheus.query("crystal_monitor_state == 1")
    states = observed.station.rows("SELECT DISTINCT state FROM frame_log")
    assert state["metric"]["state"] in {row["state"] for row in states}


def test_the_board_is_laid_out_without_gaps_in_its_making() -> None:
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
    variables = {variable["name"] for variable in BOARD["templating"]["list"]}
    assert variables == {"datasource", "instance"}
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}", "it works with anybody's Prometheus"
        for target in panel["targets"]:
            assert '{job="crystal-monitor",instance=~"$instance"' in target["expr"]
    assert [panel["title"] for panel in PANELS[:2]] == ["State", "Left until t95"], (
        "what people want to know first"
    )
