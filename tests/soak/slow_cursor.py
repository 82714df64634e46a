"""`python -m tests.soak.slow_cursor FILE`: a script that reads row by row, and thinks about each."""

from __future__ import annotations

import sqlite3
import sys
import time

HELD_S = 4.0


def main() -> None:
    """Read for `HELD_S` seconds in one transaction."""
    connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=20)
    end_s = time.monotonic() + HELD_S
    connection.execute("BEGIN")
    for row in connection.execute("SELECT * FROM frame_log ORDER BY run_id, frame_index"):
        print(row[:3])
        time.sleep(0.01)
        if time.monotonic() > end_s:
            break
    connection.rollback()
    connection.close()


if __name__ == "__main__":
    main()
