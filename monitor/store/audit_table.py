"""The audit trail's table, and the triggers that let rows be added at its end and nothing else."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import Column, Connection, Table, func, insert, select

from monitor.records.audit import AuditKind, Authority
from monitor.store.audit_chain import NO_HASH, canonical_json, row_hash
from monitor.store.column_types import SQLITE, UtcTime, Whole, Words, utc_text
from monitor.store.tables import METADATA, run

audit = Table(
    "audit",
    METADATA,
    Column("seq", Whole, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", Words, nullable=False),
    Column("station", Words, nullable=False),
    Column("run_id", Whole),
    Column("who", Words, nullable=False),
    Column("who_by", Words, nullable=False),
    Column("uid", Whole),
    Column("claimed", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("message", Words, nullable=False),
    Column("details", Words, nullable=False),
    Column("previous_hash", Words, nullable=False),
    Column("hash", Words, nullable=False),
    sqlite_strict=True,
)

# In order: `INSERT OR REPLACE` deletes a row without asking the trigger against deletion.
_IN_ORDER = f"""NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit)
  OR NEW.previous_hash <> COALESCE((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '{NO_HASH}')"""  # noqa: S608  # constants
_REFUSAL = "the audit trail is append-only"
_DISORDER = "a row of the audit trail follows the last one, with its hash"

SQLITE_TRIGGERS = {
    "audit_no_update": "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    "audit_no_delete": "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    "audit_in_order": f"CREATE TRIGGER audit_in_order BEFORE INSERT ON audit WHEN {_IN_ORDER} "
    f"BEGIN SELECT RAISE(ABORT, '{_DISORDER}'); END",
}
"""As they stand in `sqlite_master`."""

POSTGRESQL_FUNCTIONS = {
    "audit_append_only": f"BEGIN RAISE EXCEPTION '{_REFUSAL}'; END",
    "audit_in_order": f"BEGIN IF {_IN_ORDER} THEN RAISE EXCEPTION '{_DISORDER}'; END IF; RETURN NEW; END",
}
"""Bodies of the trigger functions."""
_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 4, 8, 16, 32
POSTGRESQL_TRIGGERS = {
    "audit_no_change": (
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
        "audit_append_only",
        _BEFORE | _DELETE | _UPDATE | _TRUNCATE,
    ),
    "audit_in_order": (
        "CREATE TRIGGER audit_in_order BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_in_order()",
        "audit_in_order",
        _ROW | _BEFORE | _INSERT,
    ),
}
"""Statement, function, and what `pg_trigger.tgtype` says of it."""


def m0003_audit(connection: Connection) -> None:
    """The audit trail: its table, its triggers, its first row."""
    audit.create(connection, checkfirst=True)
    if connection.dialect.name == SQLITE:
        for sql in SQLITE_TRIGGERS.values():
            connection.exec_driver_sql(sql)
    else:
        for name, body in POSTGRESQL_FUNCTIONS.items():
            connection.exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
            )
        for sql, _, _ in POSTGRESQL_TRIGGERS.values():
            connection.exec_driver_sql(sql)
    _begin(connection)


def _begin(connection: Connection) -> None:
    # A number that no other trail has: rows of one database do not fit into another.
    now = database_now(connection)
    runs_before = connection.execute(select(func.max(run.c.run_id))).scalar_one()
    begun = {
        "seq": 1,
        "at": utc_text(now),
        "kind": AuditKind.TRAIL_BEGUN.value,
        "station": "",
        "run_id": None,
        "who": "",
        "who_by": Authority.PROCESS.value,
        "uid": None,
        "claimed": "",
        "why": "",
        "message": "the audit trail begins",
        "details": canonical_json({"trail": uuid.uuid4().hex, "runs_before": runs_before or 0}),
    }
    begun |= {"previous_hash": NO_HASH, "hash": row_hash(NO_HASH, begun)}
    connection.execute(insert(audit).values(**begun | {"at": now}))


def database_now(connection: Connection) -> datetime:
    """The moment by the clock of the database: no simulated clock, and no time of an image, stands in the trail."""
    if connection.dialect.name == SQLITE:
        told = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')").scalar_one()
        return datetime.fromisoformat(str(told)).replace(tzinfo=UTC)
    moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)
