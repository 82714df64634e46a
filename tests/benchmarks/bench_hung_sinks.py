"""What ten hung alert sinks cost a frame: the real loop, store and sinks, by turns in blocks.

    python tests/benchmarks/bench_hung_sinks.py [--blocks 120] [--frames 20] [--json PATH]

Three analyses, each a process of its own with a database of its own, take blocks of small frames by turns: without any
sink, with ten webhooks that are answered, and with ten that are connected and never answered. The engine is scripted
(it takes no time, which makes everything else weigh more); every fiftieth frame raises or clears an alert, for every
sink. Latency is from the moment that the loop is given a frame until it asks for the next; the processor time of the
loop's thread is what tells on a busy machine. The upper limit is that of a one-sided 97.5 % interval of the ratio of
medians, from resampling pairs of blocks (the median over the pairs).
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
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from report import Report, options_of

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine import Segmentation, load_card  # noqa: E402  # the tests' own modules are below the root
from engine.errors import BackendError  # noqa: E402
from engine.lineup.change import EngineCondition  # noqa: E402
from monitor.analysis import open_analysis  # noqa: E402
from monitor.clock import SystemClock  # noqa: E402
from monitor.settings.station import StationSettings  # noqa: E402
from tests.scripted_analysis import Nothing, ScriptedSource, Step, frame  # noqa: E402

SINKS = 10
LIMIT = 1.05
ARMS = ("none", "answered", "hung")
RESAMPLES = 4000
ALERT_EVERY = 100


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


class SeldomFailing(Nothing):
    """Sees an empty field; in two of so many frames the rule `engine` changes."""

    def __init__(self) -> None:
        self.card = load_card("default")
        self.describe = "nothing"
        self._frames = 0

    def segment(
        self,
        image: NDArray[np.uint8] | NDArray[np.uint16],
        *,
        stream: str = "main",
        at_s: float | None = None,
    ) -> Segmentation:
        self._frames += 1
        if self._frames % ALERT_EVERY == 10:
            raise BackendError("the engine fails on purpose")
        seen = super().segment(image, stream=stream, at_s=at_s)
        return replace(seen, condition=EngineCondition(degraded=False, message="the engine works"))


def serve_analysis(folder: Path, ports: list[int]) -> None:
    """Take so many frames as each line of stdin says, and print the seconds that each took."""
    clock, session = SystemClock(), uuid.uuid4().hex

    def frames() -> Iterator[Step]:
        index = 0
        for line in sys.stdin:
            took_s = []
            for _ in range(int(line)):
                one = frame(index, clock.now(), "main", session)
                index += 1
                begun_s, used_s = time.perf_counter(), time.thread_time()
                yield one
                took_s.append((time.perf_counter() - begun_s, time.thread_time() - used_s))
            print(json.dumps(took_s), flush=True)

    sinks = [
        {
            "kind": "webhook",
            "name": f"s{port}",
            "options": {"url": f"http://127.0.0.1:{port}/", "timeout_s": 5.0},
        }
        for port in ports
    ]
    settings = StationSettings.model_validate(
        {
            "storage": {"database": f"sqlite:///{folder / 'trails.sqlite'}"},
            "alerts": {
                "rules": [{"kind": "engine", "name": "engine", "cooldown_s": 0.0}],
                "sinks": sinks,
                "delivery": {"summary": {"more_than": 0}, "retry_longest_s": 5.0},
            },
        }
    )
    source = ScriptedSource(frames())
    with open_analysis(settings, clock, source=source, segmenter=SeldomFailing()) as analysis:  # type: ignore[arg-type]
        analysis.loop.run(threading.Event())


class Arm:
    """One analysis."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        folder.mkdir()
        self.folder = folder
        command = [sys.executable, __file__, "--serve", str(folder), *map(str, ports)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def block(self, frames: int) -> list[tuple[float, float]]:
        """Of each frame the latency and the processor time of the loop's thread, seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{frames}\n")
        self._process.stdin.flush()
        took_s: list[tuple[float, float]] = json.loads(self._process.stdout.readline())
        return took_s

    def states(self) -> dict[str, int]:
        import sqlite3

        with sqlite3.connect(f"file:{self.folder / 'trails.sqlite'}?mode=ro", uri=True) as connection:
            return dict(connection.execute("SELECT state, COUNT(*) FROM delivery_log GROUP BY state"))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def upper_limit(ours: list[list[float]], theirs: list[list[float]]) -> tuple[float, float]:
    """Ratio of the median latencies, and the upper confidence limit from resampling pairs of blocks.

    The median over the pairs: two blocks of a pair are a second apart, so what is noise to both cancels.
    """
    ratios = np.median(np.array(ours), axis=1) / np.median(np.array(theirs), axis=1)
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(ratios), (RESAMPLES, len(ratios)))
    medians = np.median(ratios[picks], axis=1)
    return float(np.median(ratios)), float(np.quantile(medians, 0.975))


def silent_server() -> socket.socket:
    """Accepts, and never reads or answers."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(listening.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    return listening


def main() -> None:
    """Run the blocks by turns and report."""
    parser = options_of(__doc__)
    parser.add_argument("--blocks", type=int, default=120)
    parser.add_argument("--frames", type=int, default=20)
    options = parser.parse_args()
    silent = [silent_server() for _ in range(SINKS)]
    answering = [ThreadingHTTPServer(("127.0.0.1", 0), Answering) for _ in range(SINKS)]
    for server in answering:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {
        "none": [],
        "answered": [server.server_address[1] for server in answering],
        "hung": [server.getsockname()[1] for server in silent],
    }
    figures: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in ARMS}
    with TemporaryDirectory() as folder:
        arms = {name: Arm(Path(folder) / name, ports[name]) for name in ARMS}
        for arm in arms.values():
            arm.block(options.frames)  # warm-up
        for turn in range(options.blocks):
            for name in ARMS if turn % 2 else ARMS[::-1]:
                figures[name].append(arms[name].block(options.frames))
        states = {name: arm.states() for name, arm in arms.items()}
        for arm in arms.values():
            arm.close()
    took_s = {name: [[wall_s for wall_s, _ in block] for block in blocks] for name, blocks in figures.items()}
    used_s = {name: [[used_s for _, used_s in block] for block in blocks] for name, blocks in figures.items()}
    sent = options.frames * (options.blocks + 1)
    report = Report("hung_sinks", f"Ten hung sinks, {sent} frames an arm in {options.blocks} blocks by turns")
    for name in ARMS:
        report.add(f"{name}: median latency of a frame", 1000 * float(np.median(took_s[name])), "ms")
        report.add(f"{name}: 99 % of the frames within", 1000 * float(np.quantile(took_s[name], 0.99)), "ms")
    for peer in ("none", "answered"):
        ratio, upper = upper_limit(took_s["hung"], took_s[peer])
        report.add(f"hung over {peer}, ratio of medians", ratio)
        report.add(f"hung over {peer}, upper confidence limit", upper, at_most=LIMIT)
        ratio, upper = upper_limit(used_s["hung"], used_s[peer])
        report.add(f"hung over {peer}, processor time of the loop", ratio)
        report.add(f"hung over {peer}, its upper confidence limit", upper)
    report.add("answered: alerts sent", states["answered"].get("sent", 0), at_least=1)
    report.add("hung: alerts sent", states["hung"].get("sent", 0), at_most=0)
    report.add("hung: alerts that wait", states["hung"].get("pending", 0), at_least=1)
    report.finish(options.json)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve_analysis(Path(sys.argv[2]), [int(port) for port in sys.argv[3:]])
    else:
        main()
