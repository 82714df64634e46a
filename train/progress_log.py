"""The log of a run: a CSV file, one row every so many steps."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Progress:
    """Means since the last row."""

    step: int
    """Steps done."""
    elapsed_s: float
    """Since this process began training, s."""
    learning_rate: float
    """At the last step."""
    loss: float
    """What is minimised."""
    crystal_entropy: float
    """Weighted binary cross-entropy of the crystal channel."""
    contact_entropy: float
    """Weighted binary cross-entropy of the contact channel."""
    crystal_dice: float
    """1 - soft Dice of the crystal channel."""
    contact_dice: float
    """1 - soft Dice of the contact channel."""


def append(path: Path, row: Progress) -> None:
    """Add a row, with a heading first if the file is new."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Progress)])
        if new:
            writer.writeheader()
        writer.writerow({name: round(value, 6) for name, value in asdict(row).items()})
