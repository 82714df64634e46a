"""`export`: a run as files that other programs open."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import click

from monitor.cli.options import database_option
from monitor.errors import UserError

VIEWS = ("run_summary", "frame_log", "growth_history", "trail_summary", "csd", "event_log", "session_log")


@click.command(epilog="Example: crystal-monitor export last --format csv --out run7/")
@click.argument("run", default="last")
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the files; made if missing.",
)
@database_option
def export(run: str, kind: Literal["csv", "parquet"], out: Path, database: str) -> None:
    """Write RUN's tables into the folder --out, one file for each view; units stand in the column names."""
    from monitor.store import Bound, TrailReader

    with TrailReader(database) as reader:
        run_id = reader.find_run(run)
        out.mkdir(parents=True, exist_ok=True)
        for view in VIEWS:
            table = reader.view(view, run_id, Bound(max_rows=100_000_000, timeout_s=3600.0))
            path = out / f"{view}.{kind}"
            if kind == "csv":
                with path.open("w", newline="", encoding="utf-8") as file:
                    writer = csv.writer(file)
                    writer.writerow(table.columns)
                    writer.writerows(table.rows)
            else:
                _write_parquet(path, table.columns, table.rows)
            click.echo(f"{path}: {len(table)} rows")


def _write_parquet(path: Path, columns: tuple[str, ...], rows: tuple[tuple[object, ...], ...]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UserError(
            "Parquet needs pyarrow, which is not installed: pip install 'crystal-monitor[parquet]', or use --format csv"
        ) from None
    arrays = [pa.array([row[index] for row in rows]) for index in range(len(columns))]
    pq.write_table(pa.table(dict(zip(columns, arrays, strict=True))), path)
