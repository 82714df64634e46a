"""The ledger, the crystals' numbers and the file itself, checked after a soak against what the camera wrote down."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.chronicle import SentBy

IN_HAND = 4
"""Frames of a killed session's tail under `lossless`: two read ahead, one in the camera's hand, one served."""


@dataclass
class Accounts:
    """What the audit found."""

    sent: int = 0
    """Frames that the camera gave."""
    considered: int = 0
    """Frames with a row."""
    losses: dict[str, int] = field(default_factory=dict)
    """Frames in loss ranges, by reason."""
    sessions: int = 0
    runs: int = 0
    crystals: int = 0
    ended: int = 0
    resumed: int = 0
    longest_tail: int = 0
    """Largest number of frames that one session lost as `unknown`."""
    problems: list[str] = field(default_factory=list)
    """What is wrong, in words; empty where all is well."""


def audit(database: Path, sessions: list[SentBy], policy: str) -> Accounts:
    """Check the whole database, whose station has ended."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)
    accounts = Accounts(sent=sum(each.frames for each in sessions), sessions=len(sessions))
    try:
        _check_file(connection, accounts)
        _check_ledger(connection, accounts, sessions, policy)
        _check_numbers(connection, accounts)
    finally:
        connection.close()
    return accounts


def _check_file(connection: sqlite3.Connection, accounts: Accounts) -> None:
    for pragma, well in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
        found = connection.execute(f"PRAGMA {pragma}").fetchall()
        if found != well:
            accounts.problems.append(f"{pragma}: {found[:5]}")
    accounts.runs = connection.execute("SELECT COUNT(*) FROM run").fetchone()[0]
    accounts.resumed = connection.execute("SELECT COUNT(*) FROM event WHERE kind = 'run_resumed'").fetchone()[
        0
    ]


def _check_ledger(
    connection: sqlite3.Connection, accounts: Accounts, sessions: list[SentBy], policy: str
) -> None:
    for row in connection.execute(
        "SELECT run_id, session, sent, considered, lost, superseded FROM session_log"
    ):
        if row[2] != sum(row[3:]):
            accounts.problems.append(f"sent is not considered + lost + superseded: {row}")
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    considered: dict[str, int] = defaultdict(int)
    unknown: dict[str, int] = defaultdict(int)
    losses: dict[str, int] = defaultdict(int)
    for session, index in connection.execute(
        "SELECT session, frame_index FROM frame JOIN grabber_session USING (session_id)"
    ):
        ranges[session].append((index, index))
        considered[session] += 1
    for session, first, last, reason in connection.execute(
        "SELECT session, first_index, last_index, reason FROM frame_loss"
    ):
        ranges[session].append((first, last))
        losses[reason] += last - first + 1
        unknown[session] += (last - first + 1) * (reason == "unknown")
    accounts.considered, accounts.losses = sum(considered.values()), dict(losses)
    accounts.longest_tail = max(unknown.values(), default=0)
    for place, each in enumerate(sessions):
        reached = _exactly_once(ranges.get(each.session, []), each.session, accounts)
        last = place == len(sessions) - 1
        # A camera killed between giving a frame and its number being written has given one more than is known.
        if not each.frames - 1 <= reached <= each.frames:
            accounts.problems.append(
                f"session {each.session}: {each.frames} frames given, {reached} in the ledger"
            )
        if last and reached != each.frames:
            accounts.problems.append(
                f"the last session gave {each.frames} frames, {reached} are in the ledger"
            )
    if policy == "lossless":
        if losses.keys() - {"unknown"}:
            accounts.problems.append(f"losses of another kind than a killed session's tail: {dict(losses)}")
        seen = [count for session, count in unknown.items() if considered[session]]
        if max(seen, default=0) > IN_HAND:
            accounts.problems.append(f"a session that was seen lost {max(seen)} frames as unknown")


def _exactly_once(ranges: list[tuple[int, int]], session: str, accounts: Accounts) -> int:
    """How many numbers from 0 on are accounted for, each exactly once."""
    expected = 0
    for first, last in sorted(ranges):
        if first != expected:
            accounts.problems.append(f"session {session}: number {expected} is missing or {first} doubled")
            return expected
        expected = last + 1
    return expected


def _check_numbers(connection: sqlite3.Connection, accounts: Accounts) -> None:
    """A number belongs to one crystal, once: all its points lie in its trail's time, and numbers rise with time."""
    trails = connection.execute("SELECT COUNT(*), COUNT(ended_s) FROM trail WHERE confirmed").fetchone()
    accounts.crystals, accounts.ended = trails
    questions = {
        "a crystal has points outside its trail's time": """
            SELECT p.field_id, p.crystal_id, fr.elapsed_s, t.first_seen_s, t.ended_s FROM point p
            JOIN trail t USING (field_id, crystal_id) JOIN frame fr USING (frame_id)
            WHERE fr.elapsed_s < t.first_seen_s - 1e-6 OR fr.elapsed_s > t.last_seen_s + 1e-6
               OR fr.elapsed_s > t.ended_s + 1e-6""",
        "a trail's points are not all there": """
            SELECT t.field_id, t.crystal_id, t.points, COALESCE(p.there, 0) FROM trail t
            LEFT JOIN (SELECT field_id, crystal_id, COUNT(*) AS there FROM point WHERE NOT carried GROUP BY 1, 2) p
              USING (field_id, crystal_id)
            WHERE t.points <> COALESCE(p.there, 0)""",
        "a later number was given to an earlier crystal": """
            SELECT * FROM (SELECT field_id, crystal_id, first_seen_s,
              MAX(first_seen_s) OVER (PARTITION BY field_id ORDER BY crystal_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_s FROM trail)
            WHERE before_s > first_seen_s + 1e-6""",
        "a number is beyond the field's next": """
            SELECT t.field_id, t.crystal_id FROM trail t JOIN field f USING (field_id)
            WHERE t.crystal_id >= f.next_crystal_id""",
        "a crystal is in another place than a moment before": """
            SELECT * FROM (SELECT p.field_id, p.crystal_id, p.frame_id, p.equivalent_diameter_px AS size_px,
              ABS(p.centroid_x_px - LAG(p.centroid_x_px) OVER w) + ABS(p.centroid_y_px - LAG(p.centroid_y_px) OVER w)
                AS moved_px, fr.elapsed_s - LAG(fr.elapsed_s) OVER w AS gap_s
              FROM point p JOIN frame fr USING (frame_id)
              WINDOW w AS (PARTITION BY p.field_id, p.crystal_id ORDER BY p.frame_id))
            WHERE moved_px > 2 * size_px AND gap_s < 200""",
    }
    for what, sql in questions.items():
        found = connection.execute(f"{sql} LIMIT 5").fetchall()
        if found:
            accounts.problems.append(f"{what}: {found}")
