"""A live station for tests: real grabber and analysis processes under the real supervisor, in a folder of its own."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from monitor.clock import SystemClock
from monitor.service import Supervisor
from tests.integration.database_rows import rows
from tests.still_scene import STILL_SCENE

Row = dict[str, Any]

PATIENCE_S = 120.0
"""How long a station may take for what is awaited of it; a busy machine starts processes slowly."""
_SESSION_ENTRY = struct.Struct("<32sq")


SOME_CRYSTALS = {"rules": [{"name": "some", "kind": "count", "limit_count": 0}]}
"""`[alerts]` of a station's settings that raise one as soon as there are crystals."""


def station_tree(folder: Path, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a small simulated station whose files all lie in `folder`; `sections` change them."""
    tree: dict[str, Any] = {
        "name": "test",
        "camera": {
            "kind": "simulated",
            "frames_per_s": 8.0,
            "time_compression": 20.0,
            "simulation": STILL_SCENE,
        },
        "stream": {"endpoint": f"ipc://{folder}/frames.ipc", "heartbeat_s": 0.2, "silence_s": 2.0},
        "analysis": {"threads": 1, "run_name": "the run"},
        "storage": {"database": f"sqlite:///{folder}/trails.sqlite"},
    }
    for name, section in sections.items():
        another = "kind" in section and section["kind"] != tree["camera"]["kind"]
        tree[name] = dict(section) if another else {**tree.get(name, {}), **section}
    return tree


class LiveStation:
    """One station; the supervisor runs in a thread of the test, its two children are processes."""

    def __init__(self, folder: Path, **sections: Mapping[str, Any]) -> None:
        """Write the settings; nothing runs yet. `folder` must be short enough for a socket's path."""
        self.folder = folder
        self.database = folder / "trails.sqlite"
        self.config = folder / "station.toml"
        self.config.write_text(tomli_w.dumps(station_tree(folder, **sections)), encoding="utf-8")
        self._stop = threading.Event()
        self._codes: list[int] = []
        self._supervisor = Supervisor(
            self.config, SystemClock(), self._stop, log_folder=folder, longest_backoff_s=0.4
        )
        self._thread = threading.Thread(target=lambda: self._codes.append(self._supervisor.run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        code = self.stop()
        if error is None:
            assert code == 0, self.log()

    def stop(self) -> int:
        """Stop both processes in order; the station's exit code."""
        self._stop.set()
        self._thread.join()
        return self._codes[0]

    def process_id(self, command: str) -> int:
        """Process number of `grab` or `analyze`, as soon as there is one."""
        found = self.until(lambda: self._supervisor.process_ids.get(command), f"{command} to run")
        assert isinstance(found, int)
        return found

    def kill(self, command: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send `grab` or `analyze` a signal; the process number that it had."""
        process = self.process_id(command)
        os.kill(process, number)
        self.until(lambda: self._supervisor.process_ids.get(command) != process, f"{command} to end")
        return process

    def rows(self, sql: str, *values: object) -> list[Row]:
        """What the database answers a reader beside the daemon; nothing where there is no database yet."""
        return rows(self.database, sql, *values)

    def frames(self) -> int:
        """Committed frames."""
        found = self.rows("SELECT COUNT(*) AS frames FROM frame_log")
        return int(found[0]["frames"]) if found else 0

    def wait_for_frames(self, more: int) -> int:
        """Wait until so many more frames are committed; how many there are then."""
        wanted = self.frames() + more
        self.until(lambda: self.frames() >= wanted, f"{wanted} frames")
        return self.frames()

    def until(self, question: Callable[[], object], what: str) -> object:
        """Ask until the answer is neither None, False, 0 nor empty; the answer."""
        end = time.monotonic() + PATIENCE_S
        while not (answer := question()):
            assert time.monotonic() < end, f"waited {PATIENCE_S} s in vain for {what}\n{self.log()}"
            assert self._thread.is_alive(), f"the station ended, code {self._codes}\n{self.log()}"
            time.sleep(0.02)
        return answer

    def grabbed(self) -> tuple[str, int]:
        """The grabber's session and its last sequence number, from the file that outlives it."""
        raw = (self.folder / "frames.ipc.session").read_bytes()
        session, last_index = _SESSION_ENTRY.unpack_from(raw, 0)
        return session.decode("ascii", "replace"), last_index

    def log(self) -> str:
        """The end of what both processes said."""
        texts = [
            f"-- {path.name}\n{path.read_text(errors='replace')[-4000:]}"
            for path in sorted(self.folder.glob("*.log"))
        ]
        return "\n".join(texts)
