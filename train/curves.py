"""Curves of trainings as a picture, from the logs that they leave; of a training under way, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.errors import TrainingError
from train.loop import LOG_NAME, VALIDATION_NAME
from train.progress_log import read_heading, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

CURVES_NAME = "curves.png"
_PANELS = ("loss", "validation", "learning rate")
_DRAWN = {"step", "loss", "learning_rate"}
_SIZE_INCHES = (9.0, 9.0)
_NO_LOSSES = ("step", "elapsed_s", "learning_rate", "loss")


def draw_curves(folders: Sequence[Path], out: Path | None = None) -> Path:
    """Draw the logs in folders of trainings into one picture, `curves.png` of the first where `out` names none.

    Loss, what it is made of (where it is one training), the validation part where it was looked at, and the learning
    rate, over steps. Raises `TrainingError` where a folder has no log or one that is none, `out` is of a kind that
    matplotlib does not write, or matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - takes a second to import
    except ImportError as error:
        raise TrainingError(
            f"curves are drawn by matplotlib, which is not installed ({error}): run `pip install matplotlib`"
        ) from error
    path = folders[0] / CURVES_NAME if out is None else out
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    kind = path.suffix.lstrip(".").lower() or "png"
    if kind not in (kinds := figure.canvas.get_supported_filetypes()):
        raise TrainingError(
            f"{path}: no picture of the kind {kind!r} can be written: choose from {', '.join(sorted(kinds))}"
        )
    logs = {folder: read_log(folder / LOG_NAME) for folder in folders}
    if empty := [str(folder) for folder, log in logs.items() if not log.keys() >= _DRAWN]:
        raise TrainingError(
            f"no log of a training in {', '.join(empty)}: name folders that trainings wrote to"
        )
    looks = {folder: read_log(folder / VALIDATION_NAME) for folder in folders}
    axes: Sequence[Axes] = figure.subplots(len(_PANELS), 1, sharex=True)
    for folder, log in logs.items():
        name = folder.resolve().name
        axes[0].plot(log["step"], log["loss"], label=name)
        if len(logs) == 1:
            for part in log:
                if part not in _NO_LOSSES:
                    axes[0].plot(log["step"], log[part], linewidth=0.8, label=part.replace("_", " "))
        if looked := looks[folder]:
            axes[1].plot(looked["step"], looked["value"], marker=".", label=name)
        axes[2].plot(log["step"], log["learning_rate"], label=name)
    for panel, title in zip(axes, _PANELS, strict=True):
        panel.set_ylabel(title)
        panel.grid(visible=True, alpha=0.3)
    axes[0].legend(fontsize="small")
    axes[-1].set_xlabel("step")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    figure.savefig(beside, dpi=110, format=kind)
    beside.replace(path)
    return path


def read_log(path: Path) -> dict[str, list[float]]:
    """Columns of a log by name; empty where there is no log, or nothing in it yet.

    Raises `TrainingError` for a log that is none.
    """
    rows = read_rows(path)
    return (
        dict(zip(read_heading(path) or [], map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    )
