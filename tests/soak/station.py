"""A station for a soak: its folder, its settings, and the supervisor's process with the two under it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from monitor.service.lifetime import SUPERVISOR_VARIABLE
from tests.soak import film
from tests.soak.chronicle import Chronicle

PROJECT = Path(__file__).resolve().parents[2]
SIDE_PX = 96
INTERVAL_S = 10.0
"""Seconds of the experiment from frame to frame: 200,000 frames are 23 days."""
_ENTRY_POINT = "[crystal_monitor.cameras]\nfilm = tests.soak.camera:FilmCamera\n"
_METADATA = "Metadata-Version: 2.1\nName: crystal-film\nVersion: 1.0\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a station is to do."""

    frames: int
    """Frames that its camera gives, over all sessions."""
    policy: str
    """`lossless` or `latest`."""
    fail_every: int = 0
    """The camera fails, and is opened again, after so many frames; 0: never."""
    frames_per_s: float | None = None
    """Pace of the camera; None for as fast as frames are taken."""


class Station:
    """Owns the supervisor's process. Everything of it lies in `folder`, whose path must be short (a socket's)."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.database = folder / "trails.sqlite"
        self.config = folder / "station.toml"
        (folder / "chronicle").mkdir()
        self.chronicle = Chronicle(folder / "chronicle", plan.frames)
        self._install_camera()
        film.make(folder / "film.npy", SIDE_PX)
        self.config.write_text(tomli_w.dumps(self._settings()), encoding="utf-8")
        self._log = (folder / "supervisor.log").open("ab")
        self._supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # The back-off of `crystal-monitor run` grows to 10 s under kills every few seconds: see supervising.py.
        command = [sys.executable, "-m", "tests.soak.supervising", str(self.config), str(self.folder)]
        owned = self.environment | {SUPERVISOR_VARIABLE: str(os.getpid())}
        self._supervisor = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, env=owned, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._supervisor is not None
        if self._supervisor.poll() is None:
            self._supervisor.send_signal(signal.SIGTERM)
        self._supervisor.wait()
        self._log.close()

    @property
    def environment(self) -> dict[str, str]:
        """Of every process of the soak: it finds this source, and the camera as an installed one."""
        return os.environ | {"PYTHONPATH": f"{PROJECT}{os.pathsep}{self.folder / 'packages'}"}

    @property
    def exit_code(self) -> int | None:
        """The station's; None while it runs."""
        assert self._supervisor is not None
        return self._supervisor.poll()

    def processes(self) -> dict[str, int]:
        """Process numbers by role (`run`, `grab`, `analyze`) of those that run."""
        assert self._supervisor is not None
        found = {"run": self._supervisor.pid} if self._supervisor.poll() is None else {}
        children = Path(f"/proc/{self._supervisor.pid}/task/{self._supervisor.pid}/children")
        threads = children.parents[1]
        try:
            numbers = [n for task in threads.iterdir() for n in (task / "children").read_text().split()]
        except OSError:
            return {}
        for number in numbers:
            try:
                words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found |= {role: int(number) for role in ("grab", "analyze") if role.encode() in words}
        return found

    def command(self, *words: str, timeout_s: float = 180.0) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line to its end."""
        return subprocess.run(
            [sys.executable, "-m", "monitor.cli", *words],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=self.environment,
        )

    def log(self) -> str:
        """The end of what its processes said."""
        texts = [
            f"-- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
            for path in sorted(self.folder.glob("*.log"))
        ]
        return "\n".join(texts)

    def _settings(self) -> dict[str, Any]:
        camera: dict[str, Any] = {
            "kind": "plugin",
            "name": "film",
            "um_per_px": film.UM_PER_PX,
            "options": {
                "film": str(self.folder / "film.npy"),
                "chronicle": str(self.folder / "chronicle"),
                "frames": self.plan.frames,
                "began_utc_ns": time.time_ns(),
                "interval_s": INTERVAL_S,
                "fail_every": self.plan.fail_every,
            },
        }
        if self.plan.frames_per_s is not None:
            camera["frames_per_s"] = self.plan.frames_per_s
        return {
            "name": "soak",
            "camera": camera,
            "stream": {
                "endpoint": f"ipc://{self.folder}/frames.ipc",
                "policy": self.plan.policy,
                "heartbeat_s": 0.2,
                "silence_s": 2.0,
                "reconnect_first_s": 0.1,
            },
            "analysis": {"backend": "openvino", "threads": 1, "run_name": "soak 1"},
            "storage": {"database": f"sqlite:///{self.database}"},
        }

    def _install_camera(self) -> None:
        package = self.folder / "packages" / "crystal_film-1.0.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").write_text(_METADATA)
        (package / "entry_points.txt").write_text(_ENTRY_POINT)
