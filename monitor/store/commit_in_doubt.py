"""A commit whose answer was lost with the connection: did PostgreSQL make it, or not?

The server keeps what became of every transaction, over restarts too (`pg_xact_status`). So a call that is repeated
after such a failure is answered with what it did the first time, and nothing is written twice. SQLite needs none of
this: a commit that fails was not made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, text

from monitor.store.column_types import POSTGRESQL


class Outcome(Enum):
    """What became of a transaction."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    OPEN = "in progress"
    """The server has not noticed yet that its client is gone, or is just making the commit durable."""


@dataclass(frozen=True, slots=True)
class CommitInDoubt:
    """A transaction that was about to be committed, and for which call it was."""

    transaction: str
    """PostgreSQL's 64-bit number of it."""
    call: object
    """What was asked for: the same call again compares equal."""
    answer: object
    """What the call would have returned."""


def before_commit(connection: Connection, call: object, answer: object) -> CommitInDoubt | None:
    """What must be known before the commit, to settle it where its answer is lost; None where it cannot be lost."""
    if connection.dialect.name != POSTGRESQL:
        return None
    number = connection.exec_driver_sql("SELECT CAST(pg_current_xact_id() AS text)").scalar_one()
    return CommitInDoubt(str(number), call, answer)


def outcome(connection: Connection, doubt: CommitInDoubt) -> Outcome:
    """What became of it; what the server has forgotten, billions of transactions ago, counts as not made."""
    asked = text("SELECT pg_xact_status(CAST(:number AS xid8))")
    said = connection.execute(asked, {"number": doubt.transaction}).scalar()
    return Outcome(said) if said is not None else Outcome.ABORTED
