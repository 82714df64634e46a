"""The station on the test's machine: its settings, its camera's cable, and what its readers see."""

from __future__ import annotations

import json
from typing import Any

import tomli_w

from tests.deploy.machine import PREFIX, Machine
from tests.free_port import free_port
from tests.still_scene import STILL_SCENE

STATION = "plate"
ANALYSIS, GRABBER, TARGET = (
    f"crystal-monitor@{STATION}.service",
    f"crystal-grabber@{STATION}.service",
    f"crystal-monitor@{STATION}.target",
)
DATABASE = f"/var/lib/crystal-monitor/{STATION}.sqlite"
READER = "reader"
CREDENTIAL, TOKEN = "metrics-token", "a token that nobody guesses"
CABLE = "/srv/camera/cable"
INTERVAL_S = 0.5
BLIND_AFTER_S = 4.0

Row = dict[str, Any]

SETTINGS: dict[str, Any] = {
    "camera": {
        "kind": "plugin",
        "name": "cable",
        "options": {
            "cable": CABLE,
            "frames_per_s": 4.0,
            "simulation": STILL_SCENE,
        },
    },
    "stream": {
        "heartbeat_s": 0.2,
        "silence_s": 2.0,
        "reconnect_first_s": 0.2,
        "reconnect_longest_s": 1.0,
    },
    "analysis": {"interval_s": INTERVAL_S, "threads": 1, "run_name": "the run"},
    "completion": {"blind_after_s": BLIND_AFTER_S},
    "alerts": {"rules": [{"kind": "blind", "name": "blind", "cooldown_s": 0.0}]},
    "service": {"least_limit_s": 6.0, "camera_patience_s": 6.0},
}


class Station:
    """Station `plate`, once it is installed on a machine that runs."""

    def __init__(self, machine: Machine) -> None:
        """Nothing is done yet."""
        self.machine = machine
        self.metrics_port = free_port()  # the machine shares the network of the one below

    def write_settings(self, name: str = STATION, **sections: Any) -> str:
        """Put the settings on the machine; their path there."""
        path = f"/root/{name}.toml"
        (self.machine.root / path[1:]).write_text(tomli_w.dumps(SETTINGS | sections))
        return path

    def metrics(self) -> dict[str, Any]:
        """The section of the settings that serves metrics, with a token that is a systemd credential."""
        return {
            "listen": f"127.0.0.1:{self.metrics_port}",
            "token": {"credential": CREDENTIAL},
        }

    def write_secret(self) -> None:
        """Put the token where root alone reads it."""
        folder = self.machine.root / "etc/crystal-monitor/secrets"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / CREDENTIAL).write_text(f"{TOKEN}\n")
        (folder / CREDENTIAL).chmod(0o600)

    def plug_in(self) -> None:
        """The camera is there."""
        self.machine.run("install", "-D", "-m", "644", "/dev/null", CABLE)

    def unplug(self) -> None:
        """The camera is gone."""
        self.machine.run("rm", CABLE)

    def install(self, *arguments: str, prefix: str = str(PREFIX)) -> str:
        """What `crystal-monitor install` says."""
        return self.machine.run(f"{prefix}/bin/crystal-monitor", "install", *arguments).stdout

    def rows(self, sql: str, user: str = READER) -> list[Row]:
        """What the plain `sqlite3` shell answers a reader."""
        said = self.machine.run(
            "sqlite3", "-readonly", "-json", DATABASE, ".timeout 5000", sql, user=user
        ).stdout
        rows: list[Row] = json.loads(said) if said.strip() else []
        return rows

    def frames(self) -> int:
        """Committed frames that were seen."""
        return int(self.rows("SELECT COUNT(*) AS n FROM frame_log WHERE status = 'ok'")[0]["n"])

    def await_frames(self, more: int = 3) -> None:
        """Until so many more are committed."""
        wanted = self.frames() + more
        self.machine.until(lambda: self.frames() >= wanted, f"{wanted} frames")

    def restarts(self) -> dict[str, int]:
        """How often systemd started each service again."""
        return {unit: int(self.machine.show(unit, "NRestarts")) for unit in (ANALYSIS, GRABBER)}

    def snapshot(self) -> dict[str, list[Row]]:
        """All that must not change any more."""
        return {
            "frames": self.rows("SELECT run_id, session, frame_index, status, count FROM frame_log"),
            "crystals": self.rows(
                "SELECT run_id, crystal_id, birth_kind, first_seen_s FROM trail_summary ORDER BY 2"
            ),
        }

    def assert_ledger_is_exact(self) -> None:
        """In every session, sent = considered + lost + superseded."""
        sessions = self.rows("SELECT * FROM session_log")
        assert sessions
        for row in sessions:
            assert row["sent"] == row["considered"] + row["lost"] + row["superseded"], row
