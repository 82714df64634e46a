"""A set's manifest: what is in it, who labelled it, what belongs together, and what may be done with it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from train.configuration import Configuration
from train.data.formats import read_items
from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from train.data.item import Item

LabelSource = Literal["person", "program", "simulation", "none"]
"""Who drew the labels; a program's are pseudo-truth."""
NO_LICENCE = "none stated"
"""The licence of a set that says nothing of one."""


class Entry(Configuration):
    """One image of a set."""

    name: str
    """Path relative to the set's folder."""
    group: str
    """The experiment, run or frame that it belongs to; a group is never split."""
    image_sha256: str
    """Of the image's file."""
    pixels_sha256: str
    """Of its grey levels: the same picture in another file has the same."""
    labels_sha256: str | None
    """Of its labels as they are read; None: unlabelled."""
    height_px: int
    """Height, px."""
    width_px: int
    """Width, px."""
    bodies: int | None
    """Labelled bodies; None: unlabelled."""
    outcome: str | None = None
    """What a person said of the whole image, if anything."""


class Layout(Configuration):
    """How a set lies in its folder."""

    format: str
    """Name of the reader."""
    images: str | None = None
    """Folder of the images, where it is not the usual one."""
    annotations: str | None = None
    """Folder or file of the labels, where it is not the usual one."""

    def items(self, root: Path) -> list[Item]:
        """Items of the folder `root`; raises `TrainingError`."""
        return read_items(self.format, root, self.images, self.annotations)


class Origin(Configuration):
    """Where a set comes from and what may be done with it."""

    source: str = Field(min_length=1)
    """Where the set comes from, with its version."""
    licence: str = Field(min_length=1)
    """SPDX name, or `none stated`."""
    label_source: LabelSource
    """Who drew the labels."""
    may_ship: bool
    """Whether weights that are released may be trained on it."""

    @model_validator(mode="after")
    def _licensed(self) -> Self:
        if self.may_ship and self.licence == NO_LICENCE:
            raise ValueError("a set without a licence may not be trained on for weights that ship")
        return self


class Manifest(Configuration):
    """A set of images; the images themselves stay where they are."""

    name: str
    """Of the set."""
    layout: Layout
    """How it lies in its folder."""
    origin: Origin
    """Where it comes from."""
    grouped_by: str
    """How the groups were found: `frame`, `folder` or a pattern."""
    entries: tuple[Entry, ...] = Field(min_length=1)
    """Its images, in the order of their names."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [entry.name for entry in self.entries]
        if names != sorted(set(names)):
            raise ValueError("entries must be in the order of their names, each once")
        labelled = [entry for entry in self.entries if entry.labels_sha256 is not None]
        if (self.origin.label_source == "none") != (not labelled):
            raise ValueError(
                f"the labels come from {self.origin.label_source!r}, and {len(labelled)} images have some"
            )
        return self

    def sha256(self) -> str:
        """Hash of the whole manifest, by which splits name it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def items(self, root: Path) -> list[Item]:
        """The set's items in `root`, in the manifest's order; raises `TrainingError` where one is missing."""
        by_name = {item.name: item for item in self.layout.items(root)}
        if missing := [entry.name for entry in self.entries if entry.name not in by_name]:
            raise TrainingError(
                f"{len(missing)} images of set {self.name} are not in {root}, {missing[0]} first"
            )
        return [by_name[entry.name] for entry in self.entries]


def make_manifest(
    name: str, root: Path, layout: Layout, origin: Origin, grouped_by: str = "frame"
) -> Manifest:
    """Read a whole set once and write down what is in it; raises `TrainingError` for what cannot be used."""
    entries = (describe(item, group_of(item.name, grouped_by)) for item in layout.items(root))
    in_order = tuple(sorted(entries, key=lambda entry: entry.name))
    try:
        return Manifest(name=name, layout=layout, origin=origin, grouped_by=grouped_by, entries=in_order)
    except ValidationError as error:
        raise TrainingError(f"set {name}: {_first(error)}") from error


def describe(item: Item, group: str) -> Entry:
    """Entry of an item, read once; raises `TrainingError`."""
    if item.read_labels is None:
        image, labels = item.image(), None
    else:
        image, labels = item.pair()
    return Entry(
        name=item.name,
        group=group,
        image_sha256=hashlib.sha256(item.image_path.read_bytes()).hexdigest(),
        pixels_sha256=_array_sha256(image),
        labels_sha256=None if labels is None else _array_sha256(labels),
        height_px=image.shape[0],
        width_px=image.shape[1],
        bodies=None if labels is None else int(np.count_nonzero(np.unique(labels))),
        outcome=item.outcome,
    )


def group_of(name: str, grouped_by: str) -> str:
    """Group of an image by its name: itself (`frame`), its folder, or what a pattern's first bracket matches.

    Raises `TrainingError` for a pattern that is none, has no bracket, or does not match.
    """
    if grouped_by == "frame":
        return name
    if grouped_by == "folder":
        return name.rpartition("/")[0]
    try:
        pattern = re.compile(grouped_by)
    except re.error as error:
        raise TrainingError(
            f"cannot group by {grouped_by!r}: {error}; say frame, folder or a pattern"
        ) from error
    found = pattern.search(name)
    if pattern.groups == 0 or found is None or not found.group(1):
        raise TrainingError(
            f"the pattern {grouped_by!r} finds no group in {name!r}: its first bracket must match"
        )
    return str(found.group(1))


def check(manifest: Manifest, root: Path) -> list[str]:
    """What is wrong with the set in `root` against its manifest, a sentence each; empty: nothing."""
    problems: list[str] = []
    for entry, item in zip(manifest.entries, manifest.items(root), strict=True):
        try:
            found = describe(item, entry.group)
        except TrainingError as error:
            problems.append(str(error))
            continue
        if found.pixels_sha256 != entry.pixels_sha256:
            problems.append(f"{entry.name}: the image has changed since the manifest was made")
        if found.labels_sha256 != entry.labels_sha256:
            problems.append(f"{entry.name}: the labels have changed since the manifest was made")
        if found.bodies == 0:
            problems.append(f"{entry.name}: no body is labelled; is an empty field meant?")
    listed = {entry.name for entry in manifest.entries}
    for item in manifest.layout.items(root):
        if item.name not in listed:
            problems.append(f"{item.name}: not in the manifest; make the manifest anew")
    return problems + duplicates(manifest.entries)


def duplicates(entries: Sequence[Entry]) -> list[str]:
    """Pictures that stand in more than one group, a sentence each: a split would leak them."""
    first: dict[str, Entry] = {}
    problems = []
    for entry in entries:
        before = first.setdefault(entry.pixels_sha256, entry)
        if before.group != entry.group:
            problems.append(f"{entry.name} is the same picture as {before.name}, of another group: keep one")
    return problems


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write it as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> Manifest:
    """Read one; raises `TrainingError` if the file is missing or no manifest."""
    if not path.is_file():
        raise TrainingError(f"no manifest at {path}: make one with `python -m train data manifest`")
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise TrainingError(f"{path} is no manifest of this version: {_first(error)}") from error


def _array_sha256(array: npt.NDArray[np.generic]) -> str:
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(map(str, found['loc']))} {found['msg']}".strip()
