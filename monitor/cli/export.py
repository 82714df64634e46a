"""`export`: a run as files that other programs open."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from monitor.cli.options import database_option, find_run, station_option
from monitor.errors import UserError

if TYPE_CHECKING:
    from monitor.store import RowStream

VIEWS = ("run_summary", "frame_log", "growth_history", "trail_summary", "csd", "event_log", "session_log")


@click.command(epilog="Example: crystal-monitor export last --format csv --out run7/")
@click.argument("run", default="last")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
    help="Kind of file; parquet needs the extra `parquet`.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the files; made if missing.",
)
@click.option("--overwrite", is_flag=True, help="Replace files of an earlier export in the folder --out.")
@station_option
@database_option
def export(
    run: str,
    kind: Literal["csv", "parquet"],
    out: Path,
    overwrite: bool,
    station: str | None,
    database: str,
) -> None:
    """Write RUN's tables into the folder --out, one file for each view; units stand in the column names.

    A file gets its name once it is whole; those of an earlier export are refused without --overwrite.
    """
    from monitor.store import TrailReader

    write = _write_csv if kind == "csv" else _write_parquet
    paths = {view: out / f"{view}.{kind}" for view in VIEWS}
    there = [path for path in paths.values() if path.exists()]
    if there and not overwrite:
        raise UserError(
            f"{there[0]} is there already ({len(there)} of {len(paths)} files are): name another folder with --out, or "
            "replace them with --overwrite"
        )
    with TrailReader(database) as reader:
        run_id = find_run(reader, run, station)
        out.mkdir(parents=True, exist_ok=True)
        for view, path in paths.items():
            with made_whole(path) as part:
                count = write(part, view, reader.stream(view, run_id))
            click.echo(f"{path}: {count} rows")


@contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """The file to write to, which takes the place of `path` once it is whole, and is gone where that fails."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_csv(path: Path, _view: str, stream: RowStream) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(stream.columns)
        for batch in stream.batches:
            writer.writerows(batch)
            count += len(batch)
    return count


def _write_parquet(path: Path, view: str, stream: RowStream) -> int:
    """A batch of rows is a row group; the types are the views', so that a column without a value has one too."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UserError(
            "Parquet needs pyarrow, which is not installed: pip install 'crystal-monitor[parquet]', or use --format csv"
        ) from None
    from monitor.store import ColumnKind, column_kind

    types = {ColumnKind.WORDS: pa.string(), ColumnKind.WHOLE: pa.int64(), ColumnKind.NUMBER: pa.float64()}
    schema = pa.schema([(column, types[column_kind(view, column)]) for column in stream.columns])
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        for batch in stream.batches:
            arrays = [
                pa.array(values, column.type)
                for values, column in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(batch)
    return count
