"""The release of weights: a checkpoint's averaged weights, ONNX and the model card."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import exp
from typing import TYPE_CHECKING, Any

from engine.card import SHIPPED_FOLDER, ModelCard
from engine.export import release
from engine.network import NetworkConfiguration
from train import checkpoint
from train.errors import TrainingError
from train.evaluation.report import FIGURES, described_weights
from train.models import notes_of
from train.parity_frames import make_parity
from train.thresholds import CALIBRATION_SHIFT, RELEASE_THRESHOLDS

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = "default"
"""Name of the weights that ship, in the folder of those: what is known of them stands in their card."""
NOTES = (
    "Trained on simulated bright-field stills and on the left half of ice-coarsening frames 2 to 23. Crystal area "
    "counts to the outer edge of the dark rim. Known failures: in drops, shaded parts of the drop, its rim and "
    "bright and dark parts of the well's wall are taken for crystals; crystals far out of focus are left out, more "
    "so in frames cleaner than any camera's (a suspension never learned from, but in view when scores were chosen: "
    "sensitivity 0.84); a sixth of the lone crystals of 5 to 10 px in diameter is missed, and areas below 20 px come "
    "out up to 4 % small; in heaps 4 to 8 % of the crystals are not parted from their neighbours, and areas come out "
    "3 % large; long needles that cross are parted too seldom or too often, and their growth rates are 7 % off in "
    "the median; simulated coarsening grains come out 4 % small (real ice does not); the fainter neighbours in a "
    "film are ragged; shapes larger than about 250 px across lie outside what was trained."
)

ICE_SOURCE = (
    "ice-coarsening, left half of frames 2 to 23 (MIT, melillojh/Ice-Recrystallization-Analysis-MATLAB, "
    "commit c19b31c)"
)


def release_checkpoint(
    path: Path, name: str, out: Path | None, figures: dict[str, Any], with_ice: bool
) -> ModelCard:
    """Write NAME.safetensors, .onnx, .parity.npz and .json to `out` (default: the engine's shipped weights).

    `figures` are those of `evaluate`; `with_ice` says whether ice frames were trained on. Raises
    `TrainingError` if the checkpoint cannot be read.
    """
    source = checkpoint.load(path)
    configuration = source.configuration
    if configuration.network != "ours":
        raise TrainingError(f"{path} holds {configuration.network}; the engine runs the network `ours` alone")
    data = ["simulated stills of monitor.simulation (Apache-2.0, this project)"]
    with_ice = with_ice and configuration.mix.ice_share > 0
    if with_ice:
        data.append(ICE_SOURCE)
    folder = out or SHIPPED_FOLDER
    network = NetworkConfiguration(width=configuration.width, stage_channels=configuration.stage_channels)
    card = ModelCard(
        name=name,
        safetensors_sha256="",
        onnx_sha256="",
        network=network,
        positive_weights=(
            configuration.loss.crystal_positive_weight * exp(-CALIBRATION_SHIFT),
            configuration.loss.contact_positive_weight,
        ),
        thresholds=RELEASE_THRESHOLDS,
        training_data=tuple(data),
        metrics={
            "steps": source.step,
            "calibration_shift_logit": CALIBRATION_SHIFT,
            "configuration": configuration.model_dump(),
            **_figures(figures),
        },
        created=datetime.now(UTC).date().isoformat(),
        notes=NOTES if _ships(name, folder) else notes_of(network, with_ice),
    )
    return make_parity(release(source.kept, card, folder))


def describe(card: ModelCard, figures: dict[str, Any]) -> ModelCard:
    """Put figures of `evaluate` into a card, and today's known failures into that of the weights that ship.

    Figures of an earlier evaluation go; what else the card says stays, and so do weights, graph and parity frames.
    Raises `TrainingError` for figures of other weights or thresholds.
    """
    if figures.get("of") != described_weights(card):
        raise TrainingError(
            f"the figures are not those of {card.name} {card.weights_hash} with its thresholds: evaluate it anew"
        )
    kept = {name: value for name, value in card.metrics.items() if name not in FIGURES}
    notes = NOTES if _ships(card.name, card.folder) else card.notes
    new = replace(card, metrics=kept | _figures(figures), notes=notes)
    file = card.folder / f"{card.name}.json"
    staged = file.with_name(file.name + ".new")
    staged.write_text(new.to_json(), encoding="utf-8")
    staged.replace(file)
    return new


def _ships(name: str, folder: Path) -> bool:
    return name == SHIPPED and folder.resolve() == SHIPPED_FOLDER


def _figures(figures: dict[str, Any]) -> dict[str, Any]:
    return {part: _brief(value) for part, value in figures.items() if part in FIGURES}


def _brief(value: Any) -> Any:
    """Figures without the rows of single frames, runs and stills: the card is read by people."""
    if isinstance(value, dict):
        return {key: _brief(item) for key, item in value.items() if key not in ("frames", "runs", "stills")}
    return value
