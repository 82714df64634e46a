"""What a scrape by Prometheus each second costs a frame: the real loop, store and metrics server, by turns in blocks.

    python tests/benchmarks/bench_scrape.py [--blocks 40] [--block-s 2] [--every-s 1] [--json PATH]

One analysis with a database of its own takes small frames as fast as it can; in every other block it is scraped over
HTTP from another process. The engine is scripted (it takes no time, which makes everything else weigh more). Latency is
from the moment that the loop is given a frame until it asks for the next. The upper limit is that of a one-sided 97.5 %
interval of the ratio, from resampling pairs of blocks.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import numpy as np
from bench_hung_sinks import LIMIT, RESAMPLES, ROOT, SeldomFailing
from report import Report, options_of

from engine.lineup.change import EngineCondition
from monitor.analysis import open_analysis
from monitor.analysis.serving_metrics import serving_metrics
from monitor.clock import SystemClock
from monitor.settings.station import StationSettings
from monitor.store import open_store
from tests.scripted_analysis import ScriptedSource, Step, frame

ARMS = ("alone", "scraped")
LONGEST_SCRAPE_S = 10.0


class Working(SeldomFailing):
    """Sees an empty field, and says how it is."""

    condition = EngineCondition(degraded=False, message="the engine works")


def serve_analysis(folder: Path, port: int) -> None:
    """Take frames for as many seconds as each line of stdin says, and print the seconds that each took."""
    clock, session = SystemClock(), uuid.uuid4().hex

    def frames() -> Iterator[Step]:
        index = 0
        for line in sys.stdin:
            took_s = []
            end_s = time.perf_counter() + float(line)
            while time.perf_counter() < end_s:
                one = frame(index, clock.now(), "main", session)
                index += 1
                begun_s = time.perf_counter()
                yield one
                took_s.append(time.perf_counter() - begun_s)
            print(json.dumps(took_s), flush=True)

    settings = StationSettings.model_validate(
        {
            "storage": {"database": f"sqlite:///{folder / 'trails.sqlite'}"},
            "metrics": {"listen": f"127.0.0.1:{port}"},
        }
    )
    open_store(settings.storage.database).close()  # the metrics look at a store that is there
    source, engine = ScriptedSource(frames()), Working()
    engine.describe = "nothing"
    opening = serving_metrics(settings, clock, engine, source)  # type: ignore[arg-type]
    with opening as observe, open_analysis(
        settings, clock, source=source, segmenter=engine, observers=(observe,)  # type: ignore[arg-type]
    ) as analysis:  # fmt: skip
        analysis.loop.run(threading.Event())


class Scraper:
    """Scrapes at a pace while it is told to."""

    def __init__(self, port: int, every_s: float) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._every_s = every_s
        self.took_s: list[float] = []
        self.bytes = 0

    def during(self, stop: threading.Event) -> None:
        while not stop.wait(self._every_s / 2):
            begun_s = time.perf_counter()
            with urlopen(self._url, timeout=LONGEST_SCRAPE_S) as answer:
                self.bytes = len(answer.read())
            self.took_s.append(time.perf_counter() - begun_s)
            stop.wait(max(0.0, self._every_s / 2 - self.took_s[-1]))


def upper_limit(ratios: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    """Median of the pairs' ratios, and its upper confidence limit."""
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(ratios), (RESAMPLES, len(ratios)))
    return float(np.median(ratios)), float(np.quantile(np.median(ratios[picks], axis=1), 0.975))


def main() -> None:
    """Run the blocks by turns and report."""
    parser = options_of(__doc__)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--block-s", type=float, default=2.0, help="seconds a block")
    parser.add_argument("--every-s", type=float, default=1.0, help="seconds between two scrapes")
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    took_s: dict[str, list[list[float]]] = {name: [] for name in ARMS}
    scraper = Scraper(port, options.every_s)
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, __file__, "--serve", folder, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def block() -> list[float]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{options.block_s}\n")
            process.stdin.flush()
            told: list[float] = json.loads(process.stdout.readline())
            return told

        block()  # warm-up
        for turn in range(options.blocks):
            for name in ARMS if turn % 2 else ARMS[::-1]:
                stop = threading.Event()
                thread = threading.Thread(target=scraper.during, args=(stop,))
                if name == "scraped":
                    thread.start()
                took_s[name].append(block())
                stop.set()
                if name == "scraped":
                    thread.join()
        process.stdin.close()
        process.wait(60)
    report = Report("scrape", f"A scrape every {options.every_s:g} s, {options.blocks} blocks by turns")
    for name in ARMS:
        together = np.concatenate([np.array(one) for one in took_s[name]])
        report.add(f"{name}: median latency of a frame", 1000 * float(np.median(together)), "ms")
        report.add(f"{name}: mean", 1000 * float(np.mean(together)), "ms")
        report.add(f"{name}: 99 % of the frames within", 1000 * float(np.quantile(together, 0.99)), "ms")
    for word, middle in (("medians", np.median), ("means", np.mean)):
        pairs = zip(took_s["scraped"], took_s["alone"], strict=True)
        ratio, upper = upper_limit(np.array([middle(one) / middle(other) for one, other in pairs]))
        report.add(f"scraped over alone, ratio of {word}", ratio)
        limit = LIMIT if word == "medians" else None
        report.add(f"scraped over alone, {word}, upper confidence limit", upper, at_most=limit)
    report.add("scrapes", len(scraper.took_s), at_least=options.blocks)
    report.add("a scrape took", 1000 * float(np.median(scraper.took_s)), "ms")
    report.add("a scrape's size", scraper.bytes / 1000, "kB")
    report.finish(options.json)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve_analysis(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
