"""`query`: a question in SQL, given as such, in a file or through standard input."""

from __future__ import annotations

import re
from typing import TextIO

import click

from monitor.cli.options import database_option, json_option, wide_option
from monitor.cli.output import print_rows


class _QuestionFirst(click.Command):
    """A command whose SQL may begin with a comment, `-- …`, as files of SQL do: no option has a space in its name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the text where it is no option, behind `--`."""
        texts = [word for word in args if re.match(r"--\s", word)]
        if texts and "--" not in args:
            args = [*(word for word in args if word not in texts), "--", *texts]
        return super().parse_args(ctx, args)


@click.command(
    cls=_QuestionFirst,
    epilog='Example: crystal-monitor query "SELECT state, count(*) FROM frame_log GROUP BY state"',
)
@click.argument("sql", required=False)
@click.option(
    "--file",
    "file",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="Read the question from this file, such as deploy/sql/sizes-now.sql; - for standard input.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Refuse answers with more rows.",
)
@click.option(
    "--timeout-s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Give up after this many seconds.",
)
@database_option
@json_option
@wide_option
def query(
    sql: str | None,
    file: TextIO | None,
    max_rows: int,
    timeout_s: float,
    database: str,
    as_json: bool,
    wide: bool,
) -> None:
    """Ask the database one question in SQL. Nothing can be changed this way; the views are in the README.

    The question is SQL, or stands in a file that --file names (`-`, for either: standard input).
    """
    from monitor.store import run_query

    sql = _question(sql, file)
    rows = list(run_query(database, sql, max_rows, timeout_s).records())
    print_rows(rows, as_json=as_json, empty="no rows", wide=wide)
    missing = [name for name in _FIGURES_OF_SIZE if any(name in row and row[name] is None for row in rows)]
    if missing and not as_json and re.search(r"\bcsd\b", sql, re.IGNORECASE):
        click.echo(f"{', '.join(missing)}: none where {_WHY_NO_SIZE}", err=True)


def _question(sql: str | None, file: TextIO | None) -> str:
    """The question's text, from wherever it was given. Raises QueryError unless that is one place, and holds text."""
    from monitor.errors import QueryError

    if (sql is None) == (file is None):
        raise QueryError(
            'there is no one question: give the SQL (crystal-monitor query "SELECT …") or its file (--file X.sql), '
            "and not both"
        )
    source = click.open_file("-", encoding="utf-8") if sql == "-" else file
    if source is None:
        return str(sql)
    try:
        return source.read()
    except UnicodeDecodeError as error:
        raise QueryError(f"{source.name} is no text in UTF-8 ({error}): name a file of SQL") from error


_FIGURES_OF_SIZE = ("d10_um", "d50_um", "d90_um", "mean_um", "cv", "span")
_WHY_NO_SIZE = (
    "there is no calibration, or there are too few crystals away from the border: d10, d90 and span need "
    "kinetics.percentile_min_count (10), d90 and span by volume kinetics.volume_d90_min_count (100), d50 and cv 3"
)
