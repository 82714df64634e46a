"""The audit trail's chain: each row's hash holds the one before it, so that no row changes, goes or comes unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.records.audit import AuditKind

CONTENT = (
    "seq",
    "at",
    "kind",
    "station",
    "run_id",
    "who",
    "who_by",
    "uid",
    "claimed",
    "why",
    "message",
    "details",
)
"""Columns that a row's hash covers, besides the hash of the row before."""
COLUMNS = (*CONTENT, "previous_hash", "hash")
NO_HASH = "0" * 64
"""What stands as the previous hash in the first row."""

AuditRow = Mapping[str, object]


def canonical_json(value: object) -> str:
    """The one text of a value: keys in order, no space, no NaN."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def row_hash(previous_hash: str, row: AuditRow) -> str:
    """SHA-256 over the previous row's hash, a line feed and the canonical JSON of the row's content; hexadecimal."""
    content = canonical_json({name: row[name] for name in CONTENT})
    return hashlib.sha256(f"{previous_hash}\n{content}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written."""

    seq: int | None
    """The row concerned; None for the trail as a whole."""
    message: str
    """What is wrong, in the user's terms."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a chain was found to be."""

    rows: int
    """How many there are."""
    head: str
    """Hash of the last; zeros where there is none."""
    last_seq: int
    """Its number; 0 where there is none."""
    faults: tuple[Fault, ...]
    """Empty if every row is as it was written, in its place, and none is missing before the last."""


def check_chain(rows: Iterable[AuditRow], expected: Iterable[str] = ()) -> ChainReport:
    """Follow the chain from its first row.

    `expected`: hashes that were read earlier (an anchor kept elsewhere): a row must have each, or something was cut
    off or written anew. Without one, nothing in the trail itself tells that its last rows are gone.
    """
    wanted = set(expected)
    faults: list[Fault] = []
    count, last, head = 0, 0, NO_HASH
    for row in rows:
        count += 1
        before, own = row["previous_hash"], row["hash"]
        seq = row["seq"] if type(row["seq"]) is int else last
        if seq != last + 1:
            faults.append(Fault(seq, _missing(last + 1, seq - 1)))
        elif before != head:
            faults.append(
                Fault(
                    seq,
                    f"row {seq} does not follow row {last}: one of them was replaced, or its hashes changed",
                )
            )
        if not _has_its_hash(row):
            faults.append(Fault(seq, f"row {seq} was changed: its content does not have its hash"))
        if count == 1 and row["kind"] != AuditKind.TRAIL_BEGUN:
            faults.append(
                Fault(seq, f"row {seq} comes first and is not the beginning: the trail was emptied or cut")
            )
        last, head = seq, str(own)
        wanted.discard(head)
    if not count:
        faults.append(Fault(None, "the trail is empty: every row was removed"))
    faults += [
        Fault(
            None,
            f"no row has the hash {hash_} that was expected: rows were cut off at the end, or written anew",
        )
        for hash_ in sorted(wanted)
    ]
    return ChainReport(count, head, last, tuple(faults))


def _has_its_hash(row: AuditRow) -> bool:
    try:
        return row["hash"] == row_hash(str(row["previous_hash"]), row)
    except (TypeError, ValueError):
        return False  # a value of a type that no row has


def _missing(first: int, last: int) -> str:
    if last < first:
        return f"row {last + 1} stands where row {first} should: rows were put in or numbered anew"
    return f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"
