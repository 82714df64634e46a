"""The gate: fine-tuned weights serve only if they are better here and no worse elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.comparison.frames import LabelledFrame, SimulationSet
from train.comparison.job import tested
from train.configuration import Configuration, MixConfiguration
from train.ice_frames import held_out_part, read_frame
from train.metrics.scores import Scores
from train.segmenting import engine_segment

if TYPE_CHECKING:
    from pathlib import Path

    from train.finetuning.frames import OwnFrames

IOU_LOSS = 0.01
"""Greatest loss of IoU on the regression set that counts as none."""
QUALITY_LOSS = 0.02
"""The same of PQ."""
ICE = (24, 33)
"""Frames whose held-out halves are part of the regression set, where the real images are given."""


class Trial(Configuration):
    """Weights on the held-out frames and on the regression set."""

    held_out: Scores
    """On the user's held-out frames."""
    regression: Scores
    """On the regression set."""


class Verdict(Configuration):
    """Before and after, and what follows."""

    before: Trial
    """The weights that were started from."""
    after: Trial
    """The fine-tuned ones."""
    passed: bool
    """Whether they may serve."""
    reasons: tuple[str, ...]
    """Why not; empty if they may."""


def regression_frames(data: Path | None, stills: int = 2) -> tuple[LabelledFrame, ...]:
    """Simulated stills of every family by a fixed seed, and two held-out halves of ice where `data` is given."""
    frames = SimulationSet(MixConfiguration(ice_share=0.0), stills).parts(0).test
    if data is None or not (data / "ice-coarsening").is_dir():
        return frames
    for number in ICE:
        part = held_out_part(read_frame(data, number))
        frames = (*frames, LabelledFrame(f"ice-{number}", part.image_HW.copy(), part.labels_HW.copy()))
    return frames


def try_weights(
    weights: str, own: OwnFrames, regression: tuple[LabelledFrame, ...], instances: bool, threads: int
) -> Trial:
    """Run weights, as the daemon would, over both sets."""
    segment = engine_segment(weights, threads)
    held_out = tuple(LabelledFrame(*frame) for frame in own.held_out)
    return Trial(
        held_out=tested(segment, held_out, instances).scores(),
        regression=tested(segment, regression, instances=True).scores(),
    )


def judge(before: Trial, after: Trial) -> Verdict:
    """Better on the held-out frames (IoU), and on the regression set no worse than the allowance."""
    reasons = []
    gained = (after.held_out.pixels.iou or 0.0) - (before.held_out.pixels.iou or 0.0)
    if gained <= 0:
        reasons.append(f"IoU on the held-out frames changed by {gained:+.4f}: it must grow")
    lost = (before.regression.pixels.iou or 0.0) - (after.regression.pixels.iou or 0.0)
    if lost > IOU_LOSS:
        reasons.append(f"IoU on the regression set fell by {lost:.4f} (limit {IOU_LOSS})")
    qualities = [
        (trial.regression.instances.panoptic_quality or 0.0) if trial.regression.instances else 0.0
        for trial in (before, after)
    ]
    if qualities[0] - qualities[1] > QUALITY_LOSS:
        reasons.append(
            f"PQ on the regression set fell by {qualities[0] - qualities[1]:.4f} (limit {QUALITY_LOSS})"
        )
    return Verdict(before=before, after=after, passed=not reasons, reasons=tuple(reasons))
