"""`python station_writer.py DATABASE STATION FRAMES`: one of many stations, through the store and its waiting writer.

Each frame has crystals, every tenth is followed by a note; what was committed is told on stdout.
"""

from __future__ import annotations

import dataclasses
import sys
import threading

from monitor.analysis.persistence import StoreWriter
from monitor.clock import SystemClock
from monitor.records import Event, EventKind
from monitor.records.run import RunEvent
from monitor.store import open_store
from tests import trail_results as made

CRYSTALS = 20
NOTE_EVERY = 10


def write(database: str, station: str, frames: int) -> None:
    store = open_store(database, station=station)
    writer = StoreWriter(
        SystemClock(), threading.Event(), lambda reason: print(f"waiting {reason}", flush=True)
    )
    run = writer.do(lambda: store.start_run(made.run_start(f"run of {station}")), "the run")
    print(f"started {run.run_id}", flush=True)
    session = station.ljust(32, "0")
    for index in range(frames):
        result = dataclasses.replace(made.growing(index, CRYSTALS), session=session)
        writer.do(lambda result=result: store.append(run, result), f"frame {index}")
        if index % NOTE_EVERY == 0:
            note = RunEvent(made.at(index), Event(EventKind.NOTE, f"note {index}"))
            writer.do(lambda note=note: store.record(run, note), f"note {index}")
        print(f"committed {index}", flush=True)
    store.close()


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], int(sys.argv[3]))
