"""The whole daemon at 1024×1024 with 300 crystals or more in view: stage by stage, and frames a second over the wire.

    python tests/benchmarks/bench_daemon.py [--json PATH]

Peer in the same run: the network alone.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from report import Report, options_of

from engine import Segmenter
from monitor.analysis.pipeline import FieldPipeline
from monitor.analysis.restoring import fresh_state
from monitor.clock import Instant, SystemClock
from monitor.frame import Frame, TimeSource
from monitor.records.run import RunStart
from monitor.service.simulated_run import Experiment, preset, running
from monitor.settings.simulation import SimulationSettings
from monitor.settings.station import StationSettings
from monitor.simulation import SimulatedMicroscope
from monitor.store import open_store, run_query

FRAMES = 16
WARM_UP = 3
STEP_S = 10.0
LIVE_REAL_S = 40.0
CROWDED = 1.4
"""Births of the preset `dense` times this: the network finds more than 300 crystals."""


def crowded() -> SimulationSettings:
    """A field of more than 300 crystals."""
    simulation = preset("dense", 1)
    births = simulation.nucleation
    births = births.model_copy(update={"rate_per_mm2_s": CROWDED * births.rate_per_mm2_s})
    return simulation.model_copy(update={"nucleation": births})


def stages() -> dict[str, float]:
    """Median milliseconds of every stage, in one process."""
    simulation = crowded()
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
        experiment = Experiment(crowded(), LIVE_REAL_S, frames_per_s=10.0)
        with running(experiment, database, SystemClock(), threading.Event(), name="bench") as daemon:
            daemon.join()
        sql = "SELECT COUNT(*), MAX(elapsed_s) - MIN(elapsed_s) FROM frame_log WHERE elapsed_s > 900"
        count, simulated_s = run_query(database, sql).rows[0]
    return (int(str(count)) - 1) / (float(str(simulated_s)) / experiment.compression)


def main() -> None:
    """Measure and report."""
    options = options_of(__doc__).parse_args()
    figures = stages()
    report = Report("daemon", "The whole daemon, 1024×1024")
    report.add("crystals in view", figures.pop("crystals in view"), at_least=300)
    for name, value in figures.items():
        report.add(name, value, "ms", at_most=150 if name == "all but the network" else None)
    report.add(
        "all but the network / network", figures["all but the network"] / figures["engine.network"], "×"
    )
    report.add("two processes, live", live(), "frames/s", at_least=1.5)
    report.finish(options.json)


if __name__ == "__main__":
    main()
