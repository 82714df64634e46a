"""`doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from monitor.cli.options import json_option
from monitor.cli.output import to_json

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(epilog="Example: crystal-monitor doctor /etc/crystal-monitor/plate-1.toml")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--database", metavar="URL", help="The station's database, if the settings do not say.")
@json_option
def doctor(config: Path | None, database: str | None, as_json: bool) -> None:
    """Look at everything that a station needs; say what is wrong and how to mend it. Mends nothing itself.

    Machine, engine and database are looked at in any case; camera, endpoints, secrets and units with CONFIG, the
    station's settings file. Takes some seconds: the engine is tried.

    Exit code: 0 nothing has failed (there may be warnings), 1 something has.
    """
    from monitor.cli.options import default_database
    from monitor.clock import SystemClock
    from monitor.service.doctor import Grade, examine

    overrides: dict[str, dict[str, object]] = {}
    if database is not None or config is None:
        overrides["storage"] = {"database": database or default_database()}
    findings = []
    for finding in examine(config, overrides, SystemClock()):
        findings.append(finding)
        if not as_json:
            grade = click.style(f"{finding.grade.value:<5}", fg=_COLOURS[finding.grade.value])
            click.echo(f"{grade} {finding.check}: {finding.says}")
            if finding.remedy:
                click.echo(f"      → {finding.remedy}")
    counts = Counter(finding.grade for finding in findings)
    failed = bool(counts[Grade.FAIL])
    if as_json:
        click.echo(to_json({"passed": not failed, "findings": [asdict(finding) for finding in findings]}))
    else:
        click.echo(f"{counts[Grade.OK]} ok, {counts[Grade.WARN]} to be watched, {counts[Grade.FAIL]} wrong")
    sys.exit(1 if failed else 0)
