"""`python store_writer.py DATABASE SYNCHRONOUS FRAMES TROUBLE`: two starts, a kill; tells each commit.

TROUBLE: from so many bytes of log on the checkpointer's thread cuts it, beside the commits.
"""

from __future__ import annotations

import os
import signal
import sys

from monitor.store import checkpointing, open_store
from tests import trail_results as made

CRYSTALS = 40


def write(database: str, synchronous: str, frames: int) -> None:
    """Frames from where the store's last one was, closing in the middle, and an end as by `kill -9`."""
    for first, last in ((0, frames // 2), (frames // 2, frames)):
        store = open_store(database, synchronous)
        run = store.resume_run() or store.start_run(made.run_start("cut"))
        for index in range(first, last):
            store.append(run, made.growing(index, CRYSTALS))
            print(f"committed {index}", flush=True)
        if last < frames:
            store.close()
            print("closed", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    checkpointing.TROUBLE_BYTES = int(sys.argv[4])
    write(sys.argv[1], sys.argv[2], int(sys.argv[3]))
