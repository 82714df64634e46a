"""The trail store against raw sqlite3: `python tests/benchmarks/bench_store.py [--frames N] [--runs N] [--json PATH]`.

Appends frames with 300 crystals; a peer writes the very same rows, of points and of trails, through
`sqlite3.executemany`, a transaction a frame, under the same pragmas (WAL, synchronous=FULL) on the same disk, by turns.
A second peer writes the points alone, without the trails' latest figures. Then a store of ten million points (17 runs):
one crystal's growth history, a run's summary, every SQL sample in the shell's library, and slices of retention.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from report import Report, options_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for the builders of the tests

from ten_million_points import fill

from monitor.records import FrameResult
from monitor.settings.retention import RetentionSettings
from monitor.store import HistoryWanted, open_store, run_query
from monitor.store.column_types import FLAGS
from monitor.store.frame_points import frame_points
from monitor.store.point_rows import POINT_NAMES
from monitor.store.tables import point, trail
from monitor.store.trail_rows import fit_figures
from tests import trail_results as made

CRYSTALS = 300
SAMPLES = Path(__file__).resolve().parents[2] / "deploy" / "sql"
HISTORY = (
    "SELECT elapsed_s, area_px, area_um2, equivalent_diameter_um, growth_rate_um_per_s, in_contact "
    "FROM growth_history WHERE run_id = {run} AND crystal_id = {crystal} ORDER BY elapsed_s"
)
SUMMARY = "SELECT * FROM run_summary WHERE run_id = {run}"


class RawPeer:
    """The same rows through the bare driver: points, and the newest figures of their trails where asked."""

    def __init__(self, database: Path, *, with_trails: bool) -> None:
        """Make the tables, with the keys of the store's."""
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA cache_size = -8192")
        for table in (point, trail):
            columns = ", ".join(column.name for column in table.columns)
            key = ", ".join(column.name for column in table.primary_key)
            self._connection.execute(
                f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID"
            )
        self._with_trails = with_trails

    def append(self, index: int, result: FrameResult) -> tuple[float, float]:
        """Wall and processor seconds of one frame; the rows are made before."""
        assert result.tracker is not None
        place = (index, 1, result.elapsed_s)
        values = frame_points(result.tracker.updated, fit_figures(result.fits), place, FLAGS["sqlite"]).points
        points = [
            tuple(values[first : first + len(POINT_NAMES)])
            for first in range(0, len(values), len(POINT_NAMES))
        ]
        trails = [(1, row[1], *[0.5 + index] * (len(trail.columns) - 2)) for row in points]
        begun, begun_cpu = time.perf_counter(), time.process_time()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            f"INSERT INTO point VALUES ({', '.join('?' * len(point.columns))})", points
        )
        if self._with_trails:
            places = ", ".join("?" * len(trail.columns))
            self._connection.executemany(f"INSERT OR REPLACE INTO trail VALUES ({places})", trails)
        self._connection.execute("COMMIT")
        return time.perf_counter() - begun, time.process_time() - begun_cpu

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def append_by_turns(folder: Path, frames: int) -> dict[str, float]:
    """Medians, ms."""
    store = open_store(str(folder / "trails.sqlite"))
    run = store.start_run(made.run_start("bench"))
    peers = {
        "raw_same_rows": RawPeer(folder / "same.sqlite", with_trails=True),
        "raw_points_alone": RawPeer(folder / "points.sqlite", with_trails=False),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ("append", *peers)}
    for index in range(frames):
        result = made.growing(index, CRYSTALS)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        store.append(run, result)
        times["append"].append((time.perf_counter() - begun, time.process_time() - begun_cpu))
        for name, peer in peers.items():
            times[name].append(peer.append(index, result))
    for peer in peers.values():
        peer.close()
    begun = time.perf_counter()
    stored = store.load_field(run, "main", HistoryWanted(span_s=60.0, first_points=5, last_points=20))
    restart_s = time.perf_counter() - begun
    store.close()
    figures: dict[str, float] = {}
    for name, pairs in times.items():
        wall_ms, cpu_ms = (statistics.median(column) * 1e3 for column in zip(*pairs[10:], strict=True))
        figures |= {f"{name}_ms": round(wall_ms, 2), f"{name}_cpu_ms": round(cpu_ms, 2)}
    for other in peers:
        # The processor's time alone does not depend on how long the disk makes a commit wait.
        for column, name in (("ms", "percent"), ("cpu_ms", "cpu_percent")):
            figures[f"rows_of_{other}_{name}"] = round(
                100 * figures[f"{other}_{column}"] / figures[f"append_{column}"]
            )
    size = (folder / "trails.sqlite").stat().st_size
    return figures | {
        "bytes_per_point": round(size / (frames * CRYSTALS)),
        "restart_s": round(restart_s, 2),
        "restart_points": len(stored.points),
    }


def median_ms(ask: Callable[[int], object], times: int = 15) -> float:
    """Median time of different questions, ms, on a connection that is made before."""
    spent = []
    for turn in range(times):
        begun = time.perf_counter()
        ask(turn)
        spent.append(time.perf_counter() - begun)
    return round(statistics.median(spent) * 1e3, 2)


def ask_ten_million(database: Path, runs: int) -> dict[str, float]:
    """How long a shell or a program waits that has the store open; each question is about another crystal or run."""
    figures: dict[str, float] = {"points_in_store": fill(database, runs)}
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)

    def history(turn: int) -> int:
        question = HISTORY.format(run=1 + (turn // 5) % runs, crystal=7 + 11 * (turn % 5))
        return len(connection.execute(question).fetchall())

    figures["history_points"] = history(0)
    figures["history_not_in_memory_ms"] = median_ms(history)
    figures["history_ms"] = median_ms(history)  # the same crystals again: their pages are in memory
    figures["summary_ms"] = median_ms(
        lambda turn: connection.execute(SUMMARY.format(run=1 + turn % runs)).fetchall()
    )
    connection.close()
    for sample in sorted(SAMPLES.glob("*.sql")):
        begun = time.perf_counter()
        run_query(str(database), sample.read_text(encoding="utf-8"))
        figures[f"{sample.stem}_s"] = round(time.perf_counter() - begun, 3)
    return figures


def tidy_slices(database: Path) -> dict[str, float]:
    """Slices of thinning a run of 600,000 points: how long a frame may wait for one."""
    store = open_store(str(database))
    steps = store.tidy(RetentionSettings(full_points_days=0), made.at(30 * 86_400.0))
    spent, removed = [], 0
    while True:
        begun = time.perf_counter()
        step = next(steps)
        spent.append(time.perf_counter() - begun)
        if step is not None:
            removed = step.points_removed
            break
    store.close()
    ordered = sorted(spent)
    return {
        "tidy_slice_median_ms": round(statistics.median(spent) * 1e3, 1),
        "tidy_slice_p99_ms": round(ordered[int(0.99 * len(ordered))] * 1e3, 1),
        "tidy_slice_longest_ms": round(ordered[-1] * 1e3, 1),
        "tidy_points_removed": removed,
        "tidy_run_s": round(sum(spent), 1),
    }


def main() -> None:
    """Measure and report."""
    parser = options_of(__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--runs", type=int, default=17)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-store-"))
    try:
        figures = append_by_turns(folder, options.frames)
        big = folder / "ten-million.sqlite"
        figures |= ask_ten_million(big, options.runs) | tidy_slices(big)
        report = Report("store", f"The trail store, {CRYSTALS} crystals a frame")
        for name, value in figures.items():
            report.add(name, float(value))
        report.finish(options.json)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
