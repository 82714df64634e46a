"""The logs of a run: CSV files, one row every so many steps."""

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
    """Drop the rows after `step`: a resumed run writes them anew."""
    heading = read_heading(path)
    if heading is None:
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, heading)
        writer.writeheader()
        writer.writerows(rows)


def read_heading(path: Path) -> list[str] | None:
    """Names of a log's columns; None: there is no log."""
    if not path.exists():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file), None)


def means(losses: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, float]:
    """Mean of each scalar over steps."""
    return (
        {name: sum(loss[name].item() for loss in losses) / len(losses) for name in losses[0]}
        if losses
        else {}
    )
