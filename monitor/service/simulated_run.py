"""A simulated experiment through the real two processes: settings, supervisor, and what was recovered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomli_w

from monitor.clock import Clock
from monitor.service.supervisor import Supervisor
from monitor.settings.simulation import SimulationSettings
from monitor.settings.station import StationSettings
from monitor.simulation import PRESETS
from monitor.simulation.recovery import Recovery, compare
from monitor.store import Bound, TrailReader

WHOLE_RUN = Bound(max_rows=100_000_000, timeout_s=3600.0)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is simulated, and how fast it goes by."""

    simulation: SimulationSettings
    """What happens under the microscope."""
    real_s: float
    """Real seconds that the whole simulated experiment takes."""
    frames_per_s: float = 4.0
    """Frames per real second."""

    @property
    def compression(self) -> float:
        """Simulated seconds per real second."""
        return self.simulation.duration_s / self.real_s


def preset(name: str, seed: int) -> SimulationSettings:
    """A named preset of the simulated microscope with another seed."""
    return PRESETS[name].model_copy(update={"seed": seed})


def station(experiment: Experiment, database: str, sockets: Path, *, name: str) -> StationSettings:
    """Settings of a station that looks at the experiment; its sockets live in the folder `sockets`."""
    return StationSettings.model_validate(
        {
            "name": "simulated",
            "camera": {
                "kind": "simulated",
                "frames_per_s": experiment.frames_per_s,
                "time_compression": experiment.compression,
                "duration_s": experiment.simulation.duration_s,
                "simulation": experiment.simulation.model_dump(mode="json"),
            },
            "stream": {"endpoint": f"ipc://{sockets}/frames.ipc", "policy": "latest"},
            "analysis": {"resume": False, "run_name": name},
            "storage": {"database": database},
        }
    )


def write_settings(settings: StationSettings, path: Path) -> None:
    """Write settings as a TOML file that `load_settings` reads back to the same."""
    path.write_text(tomli_w.dumps(_without_none(json.loads(settings.model_dump_json()))), encoding="utf-8")


class RunningStation(threading.Thread):
    """A station's supervisor in a thread of its own; ended, it knows how it ended and what its processes said."""

    def __init__(self, supervisor: Supervisor, logs: Path) -> None:
        """Not started yet; `logs` is the folder of the processes' output."""
        super().__init__(name="supervisor")
        self._supervisor = supervisor
        self._logs = logs
        self.exit_code: int | None = None
        """The station's exit code; None while it runs."""
        self.said = ""
        """Last line that its processes wrote, where they failed."""

    def run(self) -> None:
        """Supervise until the end."""
        code = self._supervisor.run()
        if code:
            lines = [
                line for log in sorted(self._logs.glob("*.log")) for line in log.read_text().splitlines()
            ]
            self.said = lines[-1] if lines else ""
        self.exit_code = code


@contextmanager
def running(
    experiment: Experiment, database: str, clock: Clock, stop: threading.Event, *, name: str
) -> Iterator[RunningStation]:
    """The station's supervisor in a thread of its own, while the `with` block watches.

    It ends by itself, or when `stop` is set.

    Sockets, settings and the processes' logs live in a temporary folder that is removed at the end.
    """
    with TemporaryDirectory(prefix="crystal-") as folder:
        root = Path(folder)
        config = root / "station.toml"
        write_settings(station(experiment, database, root, name=name), config)
        supervisor = Supervisor(config, clock, stop, log_folder=root)
        daemon = RunningStation(supervisor, root)
        daemon.start()
        try:
            yield daemon
        finally:
            stop.set()
            daemon.join()


def judge(experiment: Experiment, database: str, run_id: int) -> Recovery:
    """Recovered against true, for a run of the experiment that is over."""
    with TrailReader(database) as reader:
        return compare(
            experiment.simulation,
            list(reader.view("trail_summary", run_id, WHOLE_RUN).records()),
            list(reader.view("growth_history", run_id, WHOLE_RUN).records()),
            next(reader.view("run_summary", run_id).records()),
        )


def _without_none(tree: Any) -> Any:
    # TOML has no null: what is None is what the default is.
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list):
        return [_without_none(item) for item in tree]
    return tree
