"""Every table and limit, from the committed result files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from train.compact import compact_table, read_rows
from train.comparison.tables import all_tables
from train.errors import TrainingError
from train.evaluation.limits import lines
from train.finetuning.report import read_reports, report_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHIPPED_NAME, FINETUNING_NAME, COMPACT_NAME, COMPARISON_NAME = (
    "default.json", "finetuning", "compact", "comparison"
)  # fmt: skip


def every_table(folder: Path) -> Iterator[str]:
    """Lines in Markdown; raises `TrainingError` where there is no result or one is broken."""
    found = False
    parts = (
        _shipped(folder / SHIPPED_NAME),
        _finetuning(folder / FINETUNING_NAME),
        _compact(folder / COMPACT_NAME),
    )
    for part in parts:
        for line in part:
            found = True
            yield line
    if any((folder / COMPARISON_NAME).glob("*/*/*.json")):
        yield from all_tables(folder / COMPARISON_NAME)
    elif found:
        yield "### comparison: no result yet"
    else:
        raise TrainingError(
            f"no result in {folder}: run `python -m train compare` first, or `evaluate`, or `finetune`"
        )


def _shipped(path: Path) -> Iterator[str]:
    if not path.exists():
        return
    try:
        found = list(lines(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path} holds no figures of this version ({error!r}): evaluate the weights again"
        ) from error
    yield from ("### the weights that ship", "", *found, "")


def _finetuning(folder: Path) -> Iterator[str]:
    if reports := read_reports(folder):
        scale = reports[0].learning.split.scale
        yield from (f"### fine-tuning on suspension, at {scale:g} of its resolution", "")
        yield from (*report_table(reports), "")


def _compact(folder: Path) -> Iterator[str]:
    if rows := read_rows(folder):
        yield from ("### small and fast weights", "", *compact_table(rows), "")
