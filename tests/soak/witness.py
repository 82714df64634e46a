"""A witness of what was committed: reads every row once while the station runs, and holds the database to it."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

FRAME_COLUMNS = (
    "frame_id, field_id, session_id, frame_index, captured_at, elapsed_s, status, reason, crystal_count, "
    "total_area_px"
)
POINT_COLUMNS = (
    "frame_id, crystal_id, revision, area_px, centroid_x_px, centroid_y_px, carried, fit_for_growth"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows of the frames `first` to `last` as they were when they were first seen."""

    first: int
    last: int
    frames: int
    digest: str


class Witness:
    """Remembers digests of rows, and how every crystal was first told of."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._seen: list[Seen] = []
        self._last_frame_id = 0
        self._next_ids: dict[int, int] = {}
        self.problems: list[str] = []
        """What was found wrong, in words."""

    @property
    def frames(self) -> int:
        """Committed frames that were seen."""
        return sum(seen.frames for seen in self._seen)

    def read(self) -> None:
        """Take in what was committed since."""
        if not self._database.exists():
            return
        connection = self._connect()
        try:
            connection.execute("BEGIN")
            newest = connection.execute("SELECT MAX(frame_id) FROM frame").fetchone()[0] or 0
            if newest < self._last_frame_id:
                self.problems.append(f"frame {self._last_frame_id} was committed, the newest is {newest} now")
                return
            if newest > self._last_frame_id:
                self._seen.append(_digest(connection, self._last_frame_id + 1, newest))
                self._last_frame_id = newest
            for field, next_id in connection.execute("SELECT field_id, next_crystal_id FROM field"):
                if next_id < self._next_ids.get(field, 1):
                    self.problems.append(f"field {field}: the next number went back to {next_id}")
                self._next_ids[field] = next_id
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):  # the store is being made at this moment
                raise
        finally:
            connection.close()

    def hold_to_it(self) -> None:
        """Read all again: nothing that was seen may be gone or changed."""
        connection = self._connect()
        try:
            for seen in self._seen:
                if _digest(connection, seen.first, seen.last) != seen:
                    self.problems.append(f"frames {seen.first} to {seen.last} are not what was committed")
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=20)


def _digest(connection: sqlite3.Connection, first: int, last: int) -> Seen:
    digest, frames = hashlib.sha256(), 0
    for columns, table in ((FRAME_COLUMNS, "frame"), (POINT_COLUMNS, "point")):
        rows = connection.execute(
            f"SELECT {columns} FROM {table} WHERE frame_id BETWEEN ? AND ? ORDER BY 1, 2, 3", (first, last)
        )
        for row in rows:
            digest.update(repr(row).encode())
            frames += table == "frame"
    return Seen(first, last, frames, digest.hexdigest())
