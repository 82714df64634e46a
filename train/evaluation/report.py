"""All parts of an evaluation, and what they say against the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.errors import TrainingError
from train.evaluation import overlay
from train.evaluation.film import evaluate_film
from train.evaluation.ice import evaluate_ice, summary
from train.evaluation.segmenting import engine_segment
from train.evaluation.simulated import evaluate_simulation
from train.evaluation.suspension import REDUCTION, evaluate_suspension

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.evaluation.segmenting import Segment

PARTS = ("simulation", "ice", "film", "suspension", "drops")
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
    if data is None and chosen != ["simulation"]:
        print("evaluating on the simulation alone: no folder of real images (--data)", flush=True)
        chosen = ["simulation"]
    segment = engine_segment(weights, threads)
    figures: dict[str, Any] = {"weights": weights}
    if "simulation" in chosen:
        figures["simulation"] = evaluate_simulation(segment)
    if data is None:
        return figures
    if "ice" in chosen:
        whole, held_out = evaluate_ice(segment, data)
        figures["ice"] = summary(whole)
        figures["ice_held_out"] = summary(held_out, against_published=False)
    if "film" in chosen:
        figures["film"] = evaluate_film(segment, data)
    if "suspension" in chosen:
        figures["suspension"] = evaluate_suspension(segment, data)
    if overlays is not None:
        _draw(segment, data, overlays, chosen)
    return figures


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


def verdict(figures: dict[str, Any]) -> str:
    """Lines for people: each limit, the value, and whether it holds."""
    lines = []

    def say(name: str, value: float, limit: float, holds: bool) -> None:
        lines.append(f"{'ok  ' if holds else 'MISS'} {name}: {value} (limit {limit})")

    for part in ("ice", "ice_held_out"):
        if ice := figures.get(part):
            say(f"{part} pooled IoU", ice["iou"], ice["iou_limit"], ice["iou"] >= ice["iou_limit"])
            for kind in ("count", "mean_area"):
                value, limit = ice[f"{kind}_error_median"], ice[f"{kind}_error_limit"]
                say(f"{part} {kind} error, median frame", value, limit, value <= limit)
    if film := figures.get("film"):
        value, limit = film["area_error_worst"], film["area_error_limit"]
        say("film worst area error up to 42 s", value, limit, value <= limit)
        say("film grows at every step", float(film["monotone"]), 1, film["monotone"])
        say("film bodies in burned-in text", film["burned_in_bodies"], 0, film["burned_in_bodies"] == 0)
    if suspension := figures.get("suspension"):
        lines.append(f"     suspension pooled IoU: {suspension['iou']} (no limit: never trained on)")
    if simulation := figures.get("simulation"):
        row, limit = simulation["runs_by_size"].get("from 20 px", {}), simulation["area_bias_limit"]
        bias = row.get("bias_median", float("nan"))
        say("simulated area bias, d >= 20 px, median", bias, limit, abs(bias) <= limit)
        lines.append(f"     simulated crystals found, d >= 20 px: {row.get('found_share')}")
    return "\n".join(lines)
