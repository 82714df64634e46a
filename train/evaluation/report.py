"""All parts of an evaluation."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from engine.card import load_card
from train.errors import TrainingError
from train.evaluation import overlay
from train.evaluation.corruptions import evaluate_robustness
from train.evaluation.film import evaluate_film
from train.evaluation.growth import evaluate_growth
from train.evaluation.ice import evaluate_ice
from train.evaluation.simulated import evaluate_simulation
from train.evaluation.suspension import REDUCTION, evaluate_suspension
from train.segmenting import engine_segment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.card import ModelCard
    from train.segmenting import Segment

PARTS = ("simulation", "growth", "ice", "film", "suspension", "robustness", "drops")
FIGURES = frozenset(PARTS) | {"ice_held_out"}
"""Keys under which figures of the parts stand."""
SIMULATED_PARTS = ("simulation", "growth")
"""Parts that need no real images."""
_ICE_SHOWN = ("frame_02.png", "frame_20.png", "frame_33.png")
_FILM_SHOWN = ("f00_t00s.png", "f05_t28s.png", "f08_t42s.png", "f12_t64s.png")
_DROP_LONGEST_PX = 1024


def evaluate(
    weights: str,
    data: Path | None,
    overlays: Path | None = None,
    parts: Sequence[str] | None = None,
    threads: int = 2,
) -> dict[str, Any]:
    """Figures of `parts` (default: all that the data allow); overlays are drawn into `overlays`."""
    chosen = list(parts or PARTS)
    if unknown := sorted(set(chosen) - set(PARTS)):
        raise TrainingError(f"no part of an evaluation is named {unknown}: choose from {', '.join(PARTS)}")
    if data is None and set(chosen) - set(SIMULATED_PARTS):
        print("evaluating on the simulation alone: no folder of real images (--data)", flush=True)
        chosen = [part for part in chosen if part in SIMULATED_PARTS] or ["simulation"]
    segment = engine_segment(weights, threads)
    figures: dict[str, Any] = {"weights": weights, "of": described_weights(load_card(weights))}
    if "simulation" in chosen:
        figures["simulation"] = evaluate_simulation(segment)
    if "growth" in chosen:
        figures["growth"] = evaluate_growth(segment)
    if data is None:
        return figures
    if "ice" in chosen:
        figures["ice"], figures["ice_held_out"] = evaluate_ice(segment, data)
    if "film" in chosen:
        figures["film"] = evaluate_film(segment, data)
    if "suspension" in chosen:
        figures["suspension"] = evaluate_suspension(segment, data)
    if "robustness" in chosen:
        figures["robustness"] = evaluate_robustness(segment, data)
    if overlays is not None:
        _draw(segment, data, overlays, chosen)
    return figures


def described_weights(card: ModelCard) -> dict[str, Any]:
    """What figures are of: weights, thresholds, the positive weights that are undone."""
    return {
        "weights": card.weights_hash,
        "thresholds": asdict(card.thresholds),
        "positive_weights": list(card.positive_weights),
    }


def with_earlier(figures: dict[str, Any], path: Path) -> dict[str, Any]:
    """Figures with those of other parts in a file of earlier ones, if that is of the same weights and thresholds.

    So parts can be measured one at a time. A file that is none of an evaluation is left out of account.
    """
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        same = earlier["of"] == figures["of"]
    except (OSError, ValueError, KeyError, TypeError):
        return figures
    return {**earlier, **figures} if same else figures


def _draw(segment: Segment, data: Path, overlays: Path, parts: Sequence[str]) -> None:
    shown: list[tuple[Path, float]] = []
    if "ice" in parts:
        shown += [(data / "ice-coarsening" / "frames" / name, 1.0) for name in _ICE_SHOWN]
    if "film" in parts:
        shown += [(data / "film-growth" / "frames" / name, 1.0) for name in _FILM_SHOWN]
    if "suspension" in parts:
        shown += [(path, REDUCTION) for path in sorted((data / "suspension" / "frames").glob("*.png"))[::3]]
    if "drops" in parts:
        shown += [(path, 0.0) for path in sorted((data / "drops").glob("*.jpg"))]
    for path, reduction in shown:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise TrainingError(f"cannot read {path}: the folder of real images is incomplete")
        factor = reduction or min(1.0, _DROP_LONGEST_PX / max(image.shape))
        if factor < 1:
            image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        grey = np.asarray(image, np.uint8)
        overlay.write(overlays / f"{path.parent.parent.name}-{path.stem}.jpg", grey, segment(grey).labels_HW)
