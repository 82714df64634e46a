"""`audit`: who did what and why, and whether that record is as it was written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from monitor.cli.options import database_option, json_option, wide_option
from monitor.cli.output import print_rows, to_json

EXIT_NOT_INTACT = 1
SHOWN = ("seq", "at", "kind", "run_id", "who", "who_by", "why", "message")


@click.group(epilog="Example: crystal-monitor audit verify")
def audit() -> None:
    """The audit trail: starts, stops, settings, calibrations, models, commands and deletions, with who and why.

    Rows are only ever added; each holds the hash of the one before. Frames, points and trails (the measured figures)
    are outside of that chain: a change of those is not found. It supports work under rules such as 21 CFR part 11;
    what a laboratory needs besides is its own to judge.
    """


@audit.command(epilog="Example: crystal-monitor audit show --kind settings_changed")
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="The newest rows; 0: all."
)
@click.option("--kind", help="Only this kind of deed, such as settings_changed.")
@click.option("--run", "run", help="Only this run: number, name, or `last`.")
@database_option
@json_option
@wide_option
def show(limit: int, kind: str | None, run: str | None, database: str, as_json: bool, wide: bool) -> None:
    """Show the newest rows of the trail; times are UTC."""
    from monitor.store import TrailReader

    with TrailReader(database) as reader:
        run_id = reader.find_run(run) if run is not None else None
        equal: dict[str, Any] = {"kind": kind} if kind is not None else {}
        rows = list(reader.stream("audit_log", run_id, newest=limit or None, **equal).records())
    if as_json:
        click.echo(to_json([row | {"details": json.loads(str(row["details"]))} for row in rows]))
        return
    print_rows(
        rows,
        as_json=False,
        columns=SHOWN,
        empty="the audit trail has no such row",
        wide=wide,
        dispensable=("who_by", "run_id", "why"),
    )


@audit.command(epilog="Example: crystal-monitor audit verify --expect 4f9c…")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="HASH",
    help="A hash that was the last one once (the journal has it at every stop): it must still be in the trail.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Verify this export instead of the database.",
)
@database_option
@json_option
def verify(expected: tuple[str, ...], file: Path | None, database: str, as_json: bool) -> None:
    """Find every changed, removed or inserted row, triggers that are gone, and deeds without a row.

    Of the other tables, a run's provenance, time zero and end, and acknowledgements, are compared with the trail.
    Frames, points, trails and other events are not: they are outside of the chain.

    Exit code 0 if the trail is as it was written, 1 if not. Rows cut off at the very end, and a trail that somebody
    wrote anew from its first row, show only against a hash that was kept elsewhere: give it with --expect.
    """
    from monitor.errors import UserError
    from monitor.store import verify_audit, verify_export

    for hash_ in expected:
        if len(hash_) != 64 or set(hash_) - set("0123456789abcdef"):
            raise UserError(
                f"--expect {hash_!r:.80}: a hash has 64 hexadecimal digits, as `audit verify` prints it"
            )
    report = verify_audit(database, expected) if file is None else verify_export(file, expected)
    if as_json:
        faults = [{"seq": fault.seq, "message": fault.message} for fault in report.faults]
        told: dict[str, Any] = {"intact": not faults, "rows": report.rows, "last_seq": report.last_seq}
        told |= {"head": report.head, "faults": faults}
        click.echo(to_json(told))
    elif report.faults:
        click.echo(f"NOT as it was written: {len(report.faults)} faults in {report.rows} rows")
        for fault in report.faults:
            click.echo(f"  {fault.message}")
    else:
        click.echo(
            f"as it was written: {report.rows} rows; the last is row {report.last_seq} with the hash\n{report.head}\n"
            "Keep this hash elsewhere: --expect HASH then finds rows cut off at the end, too."
        )
    if report.faults:
        sys.exit(EXIT_NOT_INTACT)


@audit.command(epilog="Example: crystal-monitor audit export --out trail.jsonl")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write, mode 0640; it must not exist. Default: standard output.",
)
@database_option
def export(out: Path | None, database: str) -> None:
    """Write the trail as JSON Lines: a row each, and a last line with the number of rows and the last hash.

    `crystal-monitor audit verify --file FILE` finds any byte of it that was changed.
    """
    import os

    from monitor.errors import UserError
    from monitor.store import export_lines

    if out is None:
        for line in export_lines(database):
            click.echo(line, nl=False)
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    except FileExistsError:
        raise UserError(f"{out} is there already, and no export is overwritten: name another file") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        for line in export_lines(database):
            file.write(line)
    click.echo(f"{out}: written; keep its last line elsewhere, it says how far the trail goes")
