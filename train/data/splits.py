"""Splits of a set into folds, by group and never by tile; checked for leaks whenever they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, ValidationError

from train.configuration import Configuration
from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.data.manifest import Entry, Manifest


class Fold(Configuration):
    """One fold: names of images."""

    train: tuple[str, ...] = Field(min_length=1)
    """Learned from."""
    validation: tuple[str, ...]
    """Looked at while training, to stop early and to choose settings; may be empty."""
    test: tuple[str, ...] = Field(min_length=1)
    """Looked at once, at the end."""


class Splits(Configuration):
    """All folds of a set; every labelled image is tested in exactly one."""

    manifest: str
    """Name of the set."""
    manifest_sha256: str
    """Hash of the manifest that was split."""
    seed: int
    """Seed of the order of the groups."""
    folds: tuple[Fold, ...] = Field(min_length=2)
    """The folds."""


def make_splits(manifest: Manifest, folds: int, seed: int, validation_groups: int = 1) -> Splits:
    """Deal the groups of the labelled images into `folds` parts as even in images as groups allow.

    Each fold tests one part and learns from the others, less `validation_groups` groups that are drawn from
    them for validation. Raises `TrainingError` where there are too few groups.
    """
    groups: dict[str, list[str]] = {}
    for entry in manifest.entries:
        if entry.labels_sha256 is not None:
            groups.setdefault(entry.group, []).append(entry.name)
    if folds < 2 or len(groups) < max(folds, folds and 2 + validation_groups):
        raise TrainingError(
            f"{len(groups)} groups of labelled images in set {manifest.name} cannot make {folds} folds with "
            f"{validation_groups} for validation: ask for fewer folds (2 at least), or group by something finer"
        )
    rng = np.random.default_rng(seed)
    order = sorted(groups)
    rng.shuffle(order)
    # largest first into the emptiest part; the shuffled order decides between equals
    parts: list[list[str]] = [[] for _ in range(folds)]
    for group in sorted(order, key=lambda name: -len(groups[name])):
        min(parts, key=lambda part: sum(len(groups[name]) for name in part)).append(group)
    made = []
    for part in parts:
        others = [group for other in parts if other is not part for group in other]
        drawn = [str(name) for name in rng.permutation(sorted(others))[:validation_groups]]
        learned = [group for group in others if group not in drawn]
        made.append(
            Fold(train=_names(learned, groups), validation=_names(drawn, groups), test=_names(part, groups))
        )
    splits = Splits(manifest=manifest.name, manifest_sha256=manifest.sha256(), seed=seed, folds=tuple(made))
    verify(splits, manifest)
    return splits


def verify(splits: Splits, manifest: Manifest) -> None:
    """Raise `TrainingError` where a split leaks, or belongs to another manifest.

    A leak: an image, another image of its group, or the same picture in another file, stands in two parts of
    a fold. Every labelled image must be tested in exactly one fold.
    """
    if splits.manifest_sha256 != manifest.sha256():
        raise TrainingError(f"the split was made for another state of set {manifest.name}: split it anew")
    by_name = {entry.name: entry for entry in manifest.entries}
    tested: list[str] = []
    for number, fold in enumerate(splits.folds):
        parts = {"train": fold.train, "validation": fold.validation, "test": fold.test}
        for names in parts.values():
            if unknown := [name for name in names if name not in by_name]:
                raise TrainingError(f"fold {number} names {unknown[0]}, which is not in set {manifest.name}")
        _refuse_leaks(number, {part: [by_name[name] for name in names] for part, names in parts.items()})
        tested += fold.test
    labelled = sorted(entry.name for entry in manifest.entries if entry.labels_sha256 is not None)
    if sorted(tested) != labelled:
        odd = sorted(set(labelled) ^ set(tested)) or [name for name in labelled if tested.count(name) > 1]
        raise TrainingError(f"{odd[0]} is not tested in exactly one fold: split set {manifest.name} anew")


def _refuse_leaks(number: int, parts: dict[str, list[Entry]]) -> None:
    for kind in ("name", "group", "pixels_sha256"):
        seen: dict[str, str] = {}
        for part, entries in parts.items():
            for entry in entries:
                before = seen.setdefault(getattr(entry, kind), part)
                if before != part:
                    what = {
                        "name": "it",
                        "group": f"its group {entry.group}",
                        "pixels_sha256": "the same picture",
                    }
                    raise TrainingError(
                        f"fold {number} leaks: {entry.name} is in {part}, {what[kind]} in {before}"
                    )


def _names(groups: Sequence[str], members: dict[str, list[str]]) -> tuple[str, ...]:
    return tuple(sorted(name for group in groups for name in members[group]))


def write_splits(splits: Splits, path: Path) -> None:
    """Write them as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(splits.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_splits(path: Path, manifest: Manifest) -> Splits:
    """Read and verify splits; raises `TrainingError`."""
    if not path.is_file():
        raise TrainingError(f"no split at {path}: make one with `python -m train data split`")
    try:
        splits = Splits.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise TrainingError(f"{path} is no split of this version: {error.errors()[0]['msg']}") from error
    verify(splits, manifest)
    return splits
