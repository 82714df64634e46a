"""The trail store against raw sqlite3: `python tests/benchmarks/bench_store.py [--frames 300] [--json PATH]`.

Appends frames with 300 crystals, and writes the same number of rows with the same number of columns, a
transaction a frame, through `sqlite3.executemany` under the same pragmas (WAL, synchronous=FULL) on the same
disk. Prints milliseconds a frame for both, their ratio, bytes per point, and the time of every SQL sample in
the shell's library.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from report import Report, options_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for the builders of the tests

from monitor.store import HistoryWanted, open_store, run_query
from monitor.store.tables import point
from tests import trail_results as made

CRYSTALS = 300
SAMPLES = Path(__file__).resolve().parents[2] / "deploy" / "sql"


class RawPeer:
    """The same number of rows and columns through the bare driver."""

    def __init__(self, database: Path) -> None:
        """Make the table."""
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._width = len(point.columns)
        columns = ", ".join(f"c{number} REAL" for number in range(self._width - 2))
        key = "PRIMARY KEY (frame, crystal)"
        self._connection.execute(f"CREATE TABLE raw (frame INTEGER, crystal INTEGER, {columns}, {key})")
        self._insert = f"INSERT INTO raw VALUES ({', '.join('?' * self._width)})"

    def append(self, index: int) -> tuple[float, float]:
        """Wall and processor seconds of one frame."""
        values = [float(index)] * (self._width - 2)
        rows = [(index, crystal, *values) for crystal in range(CRYSTALS)]
        begun, begun_cpu = time.perf_counter(), time.process_time()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(self._insert, rows)
        self._connection.execute("COMMIT")
        return time.perf_counter() - begun, time.process_time() - begun_cpu

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def append_by_turns(folder: Path, frames: int) -> dict[str, float]:
    """Medians, ms."""
    store = open_store(str(folder / "trails.sqlite"))
    run = store.start_run(made.run_start("bench"))
    peer = RawPeer(folder / "raw.sqlite")
    ours, raw = [], []
    for index in range(frames):
        result = made.growing(index, CRYSTALS)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        store.append(run, result)
        ours.append((time.perf_counter() - begun, time.process_time() - begun_cpu))
        raw.append(peer.append(index))
    peer.close()
    begun = time.perf_counter()
    stored = store.load_field(run, "main", HistoryWanted(span_s=60.0, first_points=5, last_points=20))
    restart_s = time.perf_counter() - begun
    store.close()
    append_ms, append_cpu_ms = (statistics.median(column) * 1e3 for column in zip(*ours[10:], strict=True))
    raw_ms, raw_cpu_ms = (statistics.median(column) * 1e3 for column in zip(*raw[10:], strict=True))
    return {
        "append_ms": round(append_ms, 2),
        "append_cpu_ms": round(append_cpu_ms, 2),
        "raw_executemany_ms": round(raw_ms, 2),
        "raw_executemany_cpu_ms": round(raw_cpu_ms, 2),
        "ratio": round(append_ms / raw_ms, 2),
        "restart_s": round(restart_s, 2),
        "restart_points": len(stored.points),
    }


def main() -> None:
    """Measure and report."""
    parser = options_of(__doc__)
    parser.add_argument("--frames", type=int, default=300)
    options = parser.parse_args()
    frames = options.frames
    folder = Path(tempfile.mkdtemp(prefix="bench-store-"))
    try:
        database = folder / "trails.sqlite"
        figures = append_by_turns(folder, frames)
        figures["points"] = frames * CRYSTALS
        figures["bytes_per_point"] = round(database.stat().st_size / figures["points"])
        for sample in sorted(SAMPLES.glob("*.sql")):
            begun = time.perf_counter()
            run_query(str(database), sample.read_text(encoding="utf-8"))
            figures[f"{sample.stem}_s"] = round(time.perf_counter() - begun, 3)
        report = Report("store", f"The trail store, {CRYSTALS} crystals a frame")
        for name, value in figures.items():
            report.add(name, float(value))
        report.finish(options.json)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
