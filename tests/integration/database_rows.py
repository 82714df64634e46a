"""What a station's SQLite database answers a reader beside it, from before it is there."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


def rows(database: Path, sql: str, *values: object) -> list[dict[str, Any]]:
    """The rows by column; none where there is no database yet, or no table in it."""
    if not database.exists():
        return []
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql, values)]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []  # the store is being made at this moment
        raise
    finally:
        connection.close()
