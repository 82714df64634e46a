"""The whole daemon at 1024×1024 with about 300 crystals in view: stage by stage, and frames per second over the wire.

Peer in the same run: the network alone. Prints a table and one line of JSON; nothing is asserted.
"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from engine import Segmenter
from monitor.analysis.pipeline import FieldPipeline
from monitor.analysis.restoring import fresh_state
from monitor.clock import Instant, SystemClock
from monitor.frame import Frame, TimeSource
from monitor.records.run import RunStart
from monitor.service.simulated_run import Experiment, preset, running
from monitor.settings.station import StationSettings
from monitor.simulation import SimulatedMicroscope
from monitor.store import open_store, run_query

FRAMES = 16
WARM_UP = 3
STEP_S = 10.0
LIVE_REAL_S = 40.0


def stages() -> dict[str, float]:
    """Median milliseconds of every stage, in one process."""
    simulation = preset("dense", 1)
    microscope = SimulatedMicroscope(simulation)
    settings = StationSettings()
    seconds: dict[str, list[float]] = {}
    with TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        epoch = Instant(0, 0, "bench")
        run = store.start_run(RunStart("bench", SystemClock().now(), epoch))
        pipeline = FieldPipeline("main", settings, Segmenter(), fresh_state(settings))
        begin_s = simulation.duration_s * 0.8
        clock = SystemClock()
        for index in range(FRAMES):
            elapsed_s = begin_s + index * STEP_S
            image = np.ascontiguousarray(microscope.render_only(elapsed_s))
            captured = Instant(round(elapsed_s * 1e9), round(elapsed_s * 1e9), "bench")
            frame = Frame(image, "0" * 32, index, captured, TimeSource.SIMULATED, simulation.um_per_px)
            began = clock.now()
            result = pipeline.consider(frame, elapsed_s)
            considered = clock.now()
            store.append(run, replace(result, archived=None))
            committed = clock.now()
            if index < WARM_UP:
                continue
            network_s = pipeline.timings_s["engine.network"]
            everything = pipeline.timings_s | {
                "append": committed.seconds_since(considered),
                "whole frame": committed.seconds_since(began),
                "all but the network": committed.seconds_since(began) - network_s,
            }
            for name, value in everything.items():
                seconds.setdefault(name, []).append(value)
        crystals = result.count or 0
        store.close()
    return {name: 1000 * median(values) for name, values in seconds.items()} | {
        "crystals in view": float(crystals)
    }


def live() -> float:
    """Frames per second that the two processes analyse and commit, policy `latest`."""
    with TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'live.sqlite'}"
        experiment = Experiment(preset("dense", 1), LIVE_REAL_S, frames_per_s=10.0)
        with running(experiment, database, SystemClock(), threading.Event(), name="bench") as daemon:
            daemon.join()
        sql = "SELECT COUNT(*), MAX(elapsed_s) - MIN(elapsed_s) FROM frame_log WHERE elapsed_s > 900"
        count, simulated_s = run_query(database, sql).rows[0]
    return (int(str(count)) - 1) / (float(str(simulated_s)) / experiment.compression)


def main() -> None:
    """Print the table."""
    figures = stages()
    network_ms = figures["engine.network"]
    print(f"{'stage':<24}{'ms':>8}{'network = 1':>14}")
    for name, value in figures.items():
        if name != "crystals in view":
            print(f"{name:<24}{value:>8.1f}{value / network_ms:>14.2f}")
    figures["live frames per second"] = live()
    print(f"{figures['crystals in view']:.0f} crystals in view; limit for all but the network: 150 ms")
    print(f"two processes, live: {figures['live frames per second']:.2f} frames/s; limit 1.5")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
