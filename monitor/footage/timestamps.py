"""A timestamps file: CSV with the header `file,seconds`."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection
from pathlib import Path

from monitor.errors import SourceError

_HEADER = ["file", "seconds"]


def read_timestamps(path: Path, existing: Collection[str] | None = None) -> dict[str, float]:
    """Seconds by file name, in the file's order.

    `existing`: names of the files that are there; None while more may come (a watched folder). Raises
    SourceError for a file that cannot be read, rows that are not `name,number`, names that come twice or do
    not exist, and times that do not increase.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [
                (number, row) for number, row in enumerate(csv.reader(file, strict=True), start=1) if any(row)
            ]
    except OSError as error:
        raise SourceError(
            f"the timestamps file {str(path)!r} cannot be read ({error.strerror}): check its name"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            f"the timestamps file {str(path)!r} is no CSV in UTF-8 ({error}): save it as one"
        ) from error
    if not rows or [cell.strip() for cell in rows[0][1]] != _HEADER:
        found = ",".join(rows[0][1]) if rows else "nothing"
        raise SourceError(
            f"the timestamps file {str(path)!r} begins with {found!r}: its first line must be 'file,seconds'"
        )
    seconds_by_name: dict[str, float] = {}
    last = -math.inf
    for number, row in rows[1:]:
        where = f"line {number} of the timestamps file {str(path)!r}"
        name, seconds = _read_row(row, where)
        if name in seconds_by_name:
            raise SourceError(f"{where} names {name!r} a second time: remove one of the two lines")
        if existing is not None and name.partition("#")[0] not in existing:
            raise SourceError(
                f"{where} names {name!r}, and there is no such file: correct the name or remove the line"
            )
        if seconds <= last:
            raise SourceError(
                f"{where} has {seconds:g} s after {last:g} s: times must increase from line to line"
            )
        seconds_by_name[name] = last = seconds
    if not seconds_by_name:
        raise SourceError(
            f"the timestamps file {str(path)!r} has no lines after its header: add one for each image"
        )
    return seconds_by_name


def _read_row(row: list[str], where: str) -> tuple[str, float]:
    if len(row) != len(_HEADER):
        raise SourceError(f"{where} has {len(row)} cells instead of 2: write 'name,seconds'")
    name = row[0].strip()
    try:
        seconds = float(row[1])
    except ValueError:
        seconds = math.nan
    if not name or not math.isfinite(seconds) or abs(seconds) > 1e10:
        raise SourceError(
            f"{where} reads {','.join(row)!r}: write a file name and a finite number of seconds"
        )
    return name, seconds
