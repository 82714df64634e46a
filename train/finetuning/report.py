"""What a fine-tuning leaves: what it learned from, what that cost, both trials and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from train.configuration import Configuration
from train.errors import TrainingError
from train.finetuning.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LEAST_IOU = 0.83
"""Mean IoU on held-out frames of `suspension` that fine-tuning is held to, over three or more choices of them."""


class Split(Configuration):
    """Which frames were learned from, and how they were read."""

    learned: tuple[str, ...]
    """Names of the frames that were learned from."""
    held_out: tuple[str, ...]
    """Names of those that never were."""
    scale: float
    """Factor by which frames were resized."""


class Learning(Configuration):
    """What the learning was and what it cost."""

    split: Split
    """Of the user's frames."""
    seed: int
    """Of crops and of what is held out."""
    threads: int
    """Threads of the arithmetic."""
    steps: int
    """Steps done."""
    first_step: int
    """Step at which this process took over; 0: it did all of them, and the times are those of the whole learning."""
    seconds: float
    """Time that this process took to learn, s; the machine may have had other work."""
    processor_seconds: float
    """Processor time of the same, the processes that made crops included, s."""


class Report(Verdict):
    """A whole fine-tuning."""

    learning: Learning
    """What was done."""


def read_reports(folder: Path) -> list[Report]:
    """Every report in a folder, by name; raises `TrainingError` for a file that is none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(Report.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError) as error:
            raise TrainingError(
                f"{path} is no report of a fine-tuning of this version: delete it, and fine-tune again"
            ) from error
    return found


def report_table(reports: Sequence[Report]) -> Iterator[str]:
    """Lines in Markdown, one for each choice of held-out frames, and whether their mean IoU is what it has to be."""
    yield "| held out | steps | processor, min | IoU before | after | F1 | sens. | prec. | gate |"
    yield "|" + "---|" * 9
    for report in reports:
        learning, after = report.learning, report.after.held_out.row()
        cells = [
            ", ".join(learning.split.held_out),
            str(learning.steps),
            f"{learning.processor_seconds / 60:.1f}" if learning.first_step == 0 else "",
            _shown(report.before.held_out.row()["IoU"]),
            *(_shown(after[figure]) for figure in ("IoU", "F1", "sens.", "prec.")),
            "passed" if report.passed else "refused",
        ]
        yield "| " + " | ".join(cells) + " |"
    mean = float(np.mean([report.after.held_out.row()["IoU"] or 0.0 for report in reports]))
    yield ""
    sign = "ok  " if mean >= LEAST_IOU else "MISS"
    yield f"{sign} mean IoU over {len(reports)} choices: {mean:.4f} (limit ≥ {LEAST_IOU})"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
