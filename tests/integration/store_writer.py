"""`python store_writer.py DATABASE`: writes frames until it is killed, and tells each commit on stdout."""

from __future__ import annotations

import sys

from monitor.records import TrackPoint
from monitor.store import open_store
from tests import trail_results as made

CRYSTALS = 40


def write(database: str) -> None:
    store = open_store(database)
    run = store.resume_run() or store.start_run(made.run_start("killed"))
    stored = store.load_field(run, "main")
    index = 0 if stored.last_elapsed_s is None else round(stored.last_elapsed_s) + 1
    # Every start sees one crystal more, and gives it the number that is due.
    known = sorted({point.crystal_id for point in stored.points}) or list(range(1, CRYSTALS))
    mine = stored.next_crystal_id if stored.points else CRYSTALS
    print(f"started {index} {mine}", flush=True)
    while True:
        points: list[TrackPoint] = [made.point(number, index, 100.0 + index) for number in [*known, mine]]
        born = [made.birth(point.crystal_id, float(index)) for point in points] if index == 0 else []
        if known[-1] + 1 == mine and index > 0:
            born = [made.birth(mine, float(index))]
        store.append(run, made.result(index, points, born=born))
        print(f"committed {index}", flush=True)
        index += 1


if __name__ == "__main__":
    write(sys.argv[1])
