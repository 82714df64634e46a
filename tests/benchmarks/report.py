"""What every benchmark shares: works timed by turns, one table, one JSON file.

Each `bench_*.py` takes `--json PATH`: a file if it ends in .json, else a folder that gets `<bench>.json`; without it
the folder that CRYSTAL_MONITOR_BENCH_JSON names, if any. `python tests/benchmarks/report.py FOLDER` prints all limits
of a folder of such files in one table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER_VARIABLE = "CRYSTAL_MONITOR_BENCH_JSON"

Work = Callable[[], object]


@dataclass
class Times:
    """One work's seconds, round by round."""

    wall_s: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        return statistics.median(self.wall_s)

    @property
    def median_processor_s(self) -> float:
        return statistics.median(self.processor_s)

    def times_as_fast_as(self, other: Times) -> float:
        """Median over the rounds of the other's time in that round over this one's: what is noise to both cancels."""
        pairs = zip(other.wall_s, self.wall_s, strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)

    def processor_times_as_fast_as(self, other: Times) -> float:
        """The same of processor time, which says what one core would take."""
        pairs = zip(other.processor_s, self.processor_s, strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)


def by_turns(works: Mapping[str, Work], rounds: int, warm_up: int = 1) -> dict[str, Times]:
    """Call every work once a round, in turns, after some rounds that do not count."""
    times = {name: Times() for name in works}
    for turn in range(warm_up + rounds):
        for name, work in works.items():
            begun, used = time.perf_counter(), time.process_time()
            work()
            if turn >= warm_up:
                times[name].processor_s.append(time.process_time() - used)
                times[name].wall_s.append(time.perf_counter() - begun)
    return times


def options_of(description: str | None) -> argparse.ArgumentParser:
    """A parser with the option that all share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="file (.json) or folder for the figures")
    return parser


class Report:
    """The figures of one benchmark, in the order in which they are to be read."""

    def __init__(self, bench: str, title: str) -> None:
        self._bench = bench
        self._title = title
        self._figures: dict[str, dict[str, object]] = {}

    def add(
        self,
        name: str,
        value: float,
        unit: str = "",
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """Note a figure; with a limit it passes or not, which is printed and never raised."""
        figure: dict[str, object] = {"value": float(f"{value:.5g}"), "unit": unit}
        limit = at_least if at_most is None else at_most
        if limit is not None:
            figure |= {
                "limit": limit,
                "at": "least" if at_most is None else "most",
                "passed": bool(value >= limit if at_most is None else value <= limit),
            }
        self._figures[name] = figure

    def finish(self, path: Path | None) -> None:
        """Print the table, write the JSON."""
        print(f"{self._title}\n{table(self._figures)}", flush=True)
        folder = os.environ.get(FOLDER_VARIABLE)
        path = path or (Path(folder) if folder else None)
        if path is None:
            return
        if path.suffix != ".json":
            path = path / f"{self._bench}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "bench": self._bench,
            "title": self._title,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "figures": self._figures,
        }
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(figures: Mapping[str, Mapping[str, object]]) -> str:
    """Figures as lines: name, value, unit, limit."""
    lines = []
    for name, figure in figures.items():
        line = f"  {name:<58}{figure['value']:>12,g} {figure['unit']:<8}"
        if "limit" in figure:
            verdict = "ok" if figure["passed"] else "FALLS SHORT"
            line += f" {'>=' if figure['at'] == 'least' else '<='} {figure['limit']:<8g} {verdict}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def main() -> None:
    """Print all limits of a folder of reports."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get(FOLDER_VARIABLE, "."))
    for file in sorted(folder.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        limited = {name: figure for name, figure in content["figures"].items() if "limit" in figure}
        if limited:
            print(f"{content['bench']}\n{table(limited)}")


if __name__ == "__main__":
    main()
