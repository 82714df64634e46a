"""What the metrics add to a frame, in the loop's thread, and to a scrape in its own."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from prometheus_client import generate_latest
from report import Report, by_turns, options_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from monitor.clock import SystemClock
from monitor.metrics import StationIdentity, StationMetrics, StoreFigures, StreamFigures
from monitor.metrics.counting import STAGES
from monitor.records.run import Run
from tests.trail_results import growing, run_start

FRAMES = 200
STAGES_S = dict.fromkeys((*STAGES, "frame"), 0.012)


def main() -> None:
    options = options_of(__doc__).parse_args()
    clock = SystemClock()
    run = Run(1, run_start())
    stream = StreamFigures(True, True, 0, 1, 0, {"lost": 0, "superseded": 0}, {"grabbed": 1})
    report = Report("metrics", "Metrics: what a frame and a scrape cost, processor time")

    for count, limit_us in ((30, 50), (300, 50), (2000, None)):
        metrics = StationMetrics(
            clock,
            StationIdentity("bench", "0", "none", "latest", "none", "0" * 64, 0.0),
            lambda: stream,
            StoreFigures,
        )
        frame, now = growing(5, count), clock.now()

        def frames(metrics: StationMetrics = metrics, frame=frame, now=now) -> None:  # type: ignore[no-untyped-def]
            for _ in range(FRAMES):
                metrics.see_frame(run, frame, now, STAGES_S)

        times = by_turns({"frames": frames, "scrape": partial(generate_latest, metrics.registry)}, 15)
        a_frame_us = times["frames"].median_processor_s / FRAMES * 1e6
        report.add(f"{count} crystals: a frame", a_frame_us, "µs", at_most=limit_us)
        report.add(f"{count} crystals: a scrape", times["scrape"].median_processor_s * 1e3, "ms")
    report.finish(options.json)


if __name__ == "__main__":
    main()
