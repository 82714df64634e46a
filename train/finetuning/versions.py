"""Versions of a station's own weights: which one serves, and the way back.

A folder holds `versions/0001`, `versions/0002` … and the link `current` to the one that serves; the station's
settings name the card in `current`, `current/fine-tuned.json` for every version. `promoted.json` is the order in
which versions served.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

REPORT_NAME = "report.json"
_ORDER_NAME = "promoted.json"


def new_version(folder: Path) -> Path:
    """Make the folder of the next version."""
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    last = max((int(path.name) for path in versions.iterdir() if path.name.isdigit()), default=0)
    made = versions / f"{last + 1:04d}"
    made.mkdir()
    return made


def unfinished(folder: Path) -> Path | None:
    """The last version, if its fine-tuning was stopped before its report was written."""
    found = [path for path in (folder / "versions").glob("*") if path.name.isdigit()]
    last = max(found, key=lambda path: int(path.name), default=None)
    return None if last is None or (last / REPORT_NAME).exists() else last


def promote(folder: Path, version: str) -> None:
    """Let a version serve; raises `TrainingError` if it is not there."""
    if not (folder / "versions" / version).is_dir():
        raise TrainingError(f"no version {version} in {folder / 'versions'}: fine-tune first")
    _serve(folder, [*promoted(folder), version])


def roll_back(folder: Path) -> str | None:
    """Let the version serve that served before; give its name, or None: none is left, name the shipped weights.

    Raises `TrainingError` if none serves.
    """
    order = promoted(folder)
    if not order:
        raise TrainingError(f"no version serves in {folder}: there is nothing to roll back")
    _serve(folder, order[:-1])
    return order[-2] if len(order) > 1 else None


def serving_card(folder: Path) -> Path:
    """The card to be named in the station's settings; raises `TrainingError` if the serving version has none."""
    weights = sorted((folder / "current").glob("*.safetensors"))
    if not weights:
        raise TrainingError(f"no weights in {folder / 'current'}: `rollback`, or fine-tune again")
    return weights[0].with_suffix(".json")


def promoted(folder: Path) -> list[str]:
    """Versions in the order in which they served; the last one serves. Raises `TrainingError` for a broken file."""
    path = folder / _ORDER_NAME
    if not path.exists():
        return []
    try:
        return [str(version) for version in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{path} cannot be read ({error}): delete it to begin anew") from error


def _serve(folder: Path, order: list[str]) -> None:
    """Put link and order in place, each whole or not at all; the order first, as it can be mended by hand."""
    beside = folder / f"{_ORDER_NAME}.new"
    beside.write_text(json.dumps(order) + "\n", encoding="utf-8")
    beside.replace(folder / _ORDER_NAME)
    link = folder / "current"
    if not order:
        link.unlink(missing_ok=True)
        return
    staged = folder / "current.new"
    staged.unlink(missing_ok=True)
    staged.symlink_to(folder.joinpath("versions", order[-1]).relative_to(folder))
    staged.replace(link)
