"""The logs of a run: CSV files, one row every so many steps.

What follows the last end of a line is a row that was cut off (a full disk, a power cut): it counts as not written.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch


def append(path: Path, row: Mapping[str, float]) -> None:
    """Add a row, with a heading first if the file is new; raises `TrainingError` if it has another heading."""
    heading = read_heading(path)
    if heading is not None and heading != list(row):
        raise TrainingError(
            f"{path} logs {', '.join(heading)}, this run {', '.join(row)}: choose another folder"
        )
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if heading is None:
            writer.writeheader()
        writer.writerow({name: round(value, 6) for name, value in row.items()})


def truncate(path: Path, step: int) -> None:
    """Drop the rows after `step`, and one that was cut off: a resumed run writes them anew.

    Raises `TrainingError` for a file that is no log.
    """
    heading = read_heading(path)
    if heading is None:
        path.unlink(missing_ok=True)
        return
    if heading[:1] != ["step"]:
        raise TrainingError(f"{path} is no log of a training: choose another folder")
    lines = zip(_whole_lines(path)[1:], read_rows(path), strict=True)
    kept = [line for line, row in lines if row[0] <= step]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading, *kept])


def read_heading(path: Path) -> list[str] | None:
    """Names of a log's columns; None: there is no log."""
    return next(iter(_whole_lines(path)), None)


def read_rows(path: Path) -> list[list[float]]:
    """Rows of a log, in the order of its heading; raises `TrainingError` for one that is none."""
    heading, *lines = _whole_lines(path) or [[]]
    rows = []
    for number, line in enumerate(lines, 2):
        try:
            rows.append([float(value) for value, _ in zip(line, heading, strict=True)])
        except ValueError as error:
            raise TrainingError(
                f"line {number} of {path} is no row of a log ({error}): delete that line"
            ) from error
    return rows


def _whole_lines(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    text = path.read_bytes().decode("utf-8", "replace")
    return list(csv.reader(line for line in text.splitlines(keepends=True) if line.endswith("\n")))


def means(losses: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, float]:
    """Mean of each scalar over steps."""
    return (
        {name: sum(loss[name].item() for loss in losses) / len(losses) for name in losses[0]}
        if losses
        else {}
    )
