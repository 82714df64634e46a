"""A store of ten million points, made in SQL: weeks of a station, faster than they could be appended.

Runs of 2,000 frames with 300 crystals in view; every crystal lives for 1,000 frames, then another takes its place.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from monitor.records.run import RunEnded
from monitor.store import open_store
from monitor.store.tables import POINT_GROWTH, POINT_MICROMETRES, POINT_NUMBERS, point
from tests import trail_results as made

IN_VIEW = 300
LIFE_FRAMES = 1_000
RUN_FRAMES = 2_000
RUNS = 17

_BIRTHS = """
INSERT INTO trail (field_id, crystal_id, confirmed, birth_kind, first_seen_s, last_seen_s, ended_s, points_until_s,
  end_reason, points, first_area_px, last_area_px, max_area_px, rate_px_per_s, fit_ended_s)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :crystals - 1)
SELECT :field, i + 1, 1, 'born', :life * (i / :in_view), :life * (i / :in_view + 1) - 1,
  :life * (i / :in_view + 1) - 1, :life * (i / :in_view + 1), 'dissolved', :life, 100.0, 900.0, 900.0, 0.1, 1.0
FROM n"""

_FRAMES = """
INSERT INTO frame (field_id, session_id, frame_index, captured_at, time_source, elapsed_s, width_px, height_px,
  um_per_px, status, backend, crystal_count, total_area_px, state)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :frames - 1)
SELECT :field, :session, i, strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1790000000 + i, 'unixepoch'), 'camera', 1.0 * i,
  1024, 1024, 0.5, 'ok', 'openvino bf16', :in_view, 100.0 * i, 'growing' FROM n"""

_VALUES = {
    **dict.fromkeys((*POINT_NUMBERS, *POINT_MICROMETRES, *POINT_GROWTH), "100.1 + f.frame_id % 977"),
    **{f"bbox_{name}_px": "30" for name in ("x", "y", "width", "height")},
    "frame_id": "f.frame_id",
    "crystal_id": "n.i + :in_view * CAST(f.elapsed_s / :life AS INTEGER)",
    "revision": "0",
    "superseded": "0",
    "field_id": "f.field_id",
    "label": "n.i",
    "contacts": "NULL",
    "touches_border": "0",
    "carried": "0",
    "fit_for_growth": "1",
    "habit": "'prism'",
}
_POINTS = f"""
INSERT INTO point
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :in_view)
SELECT {", ".join(_VALUES[name] for name in point.columns.keys())}
FROM frame f CROSS JOIN n WHERE f.field_id = :field"""  # noqa: SIM118  # constants of this file; a collection


def fill(database: Path, runs: int = RUNS) -> int:
    """Make the store; how many points it has."""
    for _ in range(runs):
        store = open_store(str(database))
        run = store.start_run(made.run_start("bench"))
        store.append(run, made.result(0))  # the field and the session
        store.record(run, RunEnded(made.at(RUN_FRAMES)))
        store.close()
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA cache_size = -262144")
        (field,) = connection.execute("SELECT MAX(field_id) FROM field").fetchone()
        (session,) = connection.execute("SELECT MAX(session_id) FROM grabber_session").fetchone()
        wanted = {
            "field": field,
            "session": session,
            "frames": RUN_FRAMES,
            "in_view": IN_VIEW,
            "life": LIFE_FRAMES,
            "crystals": IN_VIEW * RUN_FRAMES // LIFE_FRAMES,
        }
        with connection:
            for statement in (_BIRTHS, _FRAMES, _POINTS):
                connection.execute(statement, wanted)
            newest = "(SELECT MAX(frame_id) FROM frame WHERE field_id = :field)"
            last = f"last_frame_id = {newest}, last_ok_frame_id = {newest}"
            connection.execute(f"UPDATE field SET {last} WHERE field_id = :field", wanted)  # constants
        connection.close()
    return runs * (RUN_FRAMES - 1) * IN_VIEW
