"""A real Prometheus with the shipped configuration, made quick and pointed at a station of the test."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import yaml

from tests.free_port import free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = DEPLOY / "crystal-monitor.rules.yml"
PATIENCE_S = 30.0


def program(name: str) -> str:
    """Path of `prometheus` or `promtool`; the test is skipped, visibly, where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install prometheus")
    return path


class PrometheusServer:
    """Runs in `folder`, scrapes every second. A context manager."""

    def __init__(self, folder: Path, target_port: int) -> None:
        """The shipped configuration, with another interval, target and place of the rules."""
        settings = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
        settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings["rule_files"] = [str(RULES)]
        settings["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{target_port}"]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self._folder = folder
        self._port = free_port()
        self._command = [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        while not self._is_ready():
            assert time.monotonic() < end, (self._folder / "prometheus.log").read_text()
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What the expression gives now. An expression that is wrong raises HTTPError."""
        return list(self.ask("query", query=expression)["result"])

    def ask(self, what: str, **parameters: str) -> Any:
        """Data of a call of the API."""
        address = f"http://127.0.0.1:{self._port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            reply = json.load(answer)
        assert reply["status"] == "success", reply
        return reply["data"]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
