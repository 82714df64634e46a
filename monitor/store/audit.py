"""Adding to the audit trail, in the transaction of the deed itself."""

from __future__ import annotations

import os
import pwd

from sqlalchemy import Connection, insert, select, text

from monitor.records.audit import Attribution, AuditEntry, AuditKind
from monitor.store.audit_chain import NO_HASH, canonical_json, row_hash
from monitor.store.audit_table import audit, database_now
from monitor.store.column_types import POSTGRESQL, utc_text

_LAST = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)


def write_audit(connection: Connection, entry: AuditEntry) -> None:
    """Add a row: it is there exactly if the caller's transaction is."""
    if connection.dialect.name == POSTGRESQL:
        # Other stations write to the same trail: one after the other, each until its commit. Readers do not wait.
        connection.execute(text("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE"))
    last = connection.execute(_LAST).one_or_none()
    if last is None:
        emptied = AuditEntry(AuditKind.TRAIL_EMPTIED, "the audit trail was found empty")
        seq, previous = 1, _add(connection, 1, NO_HASH, emptied)
    else:
        seq, previous = last.seq, last.hash
    _add(connection, seq + 1, previous, entry)


def _add(connection: Connection, seq: int, previous_hash: str, entry: AuditEntry) -> str:
    who, now = named(entry.attribution), database_now(connection)
    row: dict[str, object] = {
        "seq": seq,
        "at": utc_text(now),
        "kind": entry.kind.value,
        "station": entry.station,
        "run_id": entry.run_id,
        "who": who.who,
        "who_by": who.by.value,
        "uid": who.uid,
        "claimed": who.claimed,
        "why": who.why,
        "message": entry.message,
        "details": canonical_json(dict(entry.details)),
    }
    own = row_hash(previous_hash, row)
    connection.execute(insert(audit).values(**row | {"at": now}, previous_hash=previous_hash, hash=own))
    return own


def named(attribution: Attribution) -> Attribution:
    """With the user of this process where nobody is named."""
    if attribution.who:
        return attribution
    uid = os.geteuid() if attribution.uid is None else attribution.uid
    return Attribution(attribution.by, user_name(uid), uid, attribution.claimed, attribution.why)


def user_name(uid: int) -> str:
    """The user's name on this machine, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
