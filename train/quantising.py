"""int8 for OpenVINO: post-training quantisation (NNCF) of released weights, calibrated on real frames.

Calibration frames are simulated ones and, where the real images are given, the part of the ice frames that may be
learned from. Mish, the gates and the pooling matrices stay as they are: in int8 these alone cost 4 % of the masks' IoU.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from engine.backends.no_telemetry import silence_openvino
from engine.backends.openvino import MadeGraph, probability_graph
from engine.backends.openvino_core import openvino_core
from engine.preprocess import preprocess
from monitor.simulation import PRESETS, SimulatedMicroscope
from train.errors import TrainingError
from train.ice_frames import read_frame, training_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from engine.card import ModelCard

    Image = npt.NDArray[np.uint8]

SIDE_PX = 512
"""Side of a calibration frame."""
CALIBRATION_SEED = 100
"""Of the simulated calibration frames; no evaluation uses it."""
SIMULATED = 12
"""Simulated calibration frames."""
ICE_FRAMES = range(2, 24, 2)
"""Ice frames whose left parts calibrate."""
LEFT_ALONE = ("Multiply", "Add", "Subtract", "Interpolate", "MatMul", "ReduceMean", "AvgPool")
"""Operators that stay in floating point."""

Kept = Literal["none", "ends", "finest"]
"""Convolutions that stay in floating point: none, the first and the last, or all at the frame's own resolution."""


def simulated_frames(seed: int, count: int, side_px: int = SIDE_PX) -> Iterator[Image]:
    """Frames of all presets, at several moments."""
    names = sorted(PRESETS)
    for number in range(count):
        settings = PRESETS[names[number % len(names)]].model_copy(
            update={"seed": seed + number, "width_px": side_px, "height_px": side_px}
        )
        moment_s = settings.duration_s * (0.3 + 0.6 * number / count)
        yield np.ascontiguousarray(SimulatedMicroscope(settings).render_only(moment_s), np.uint8)


def calibration_frames(data: Path | None, count: int = SIMULATED, side_px: int = SIDE_PX) -> list[Image]:
    """Simulated frames, and squares of the ice that may be learned from where its folder is given."""
    frames = list(simulated_frames(CALIBRATION_SEED, count, side_px))
    if data is not None and (data / "ice-coarsening").is_dir():
        parts = (training_part(read_frame(data, number)).image_HW for number in ICE_FRAMES)
        frames += [np.ascontiguousarray(part[:side_px, :side_px]) for part in parts]
    return frames


def quantise(card: ModelCard, frames: Sequence[Image], kept: Kept = "ends") -> Any:
    """An int8 `openvino.Model` of a card's graph, calibrated on frames of one size.

    Its sides are free multiples of the network's stride, as the card's are. Raises `TrainingError` where NNCF is not
    installed.
    """
    silence_openvino()
    try:
        import nncf  # noqa: PLC0415 - an extra, and it takes seconds to import
    except ImportError as error:
        raise TrainingError(
            f"int8 needs NNCF, which is not installed ({error}): pip install 'crystal-monitor[train,int8]'"
        ) from error
    if kept not in get_args(Kept):
        raise TrainingError(
            f"what is kept in floating point is one of {', '.join(get_args(Kept))}, not {kept!r}"
        )
    nncf.set_log_level(logging.ERROR)  # it tells of each operator
    model = probability_graph(card)
    free = model.inputs[0].get_partial_shape()
    inputs = [preprocess(frame)[None, None] for frame in frames]
    model.reshape(list(inputs[0].shape))
    quantised = nncf.quantize(
        model,
        nncf.Dataset(inputs),
        preset=nncf.QuantizationPreset.MIXED,  # activations of Mish are lopsided
        subset_size=len(inputs),
        ignored_scope=nncf.IgnoredScope(names=_left(model, kept), types=list(LEFT_ALONE), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
    )
    quantised.reshape(free)
    return quantised


def read_int8(path: Path) -> MadeGraph:
    """A graph that `quantise` made and `openvino.save_model` wrote; raises `TrainingError` where it is none."""
    try:
        return MadeGraph(openvino_core().read_model(path), "int8")
    except RuntimeError as error:
        raise TrainingError(f"OpenVINO cannot read {path}: {error}. Quantise anew.") from error


def _left(model: Any, kept: Kept) -> list[str]:
    """Names of the convolutions that stay as they are."""
    convolutions = [node for node in model.get_ordered_ops() if "Convolution" in node.get_type_name()]
    ends = [convolutions[0], convolutions[-1]]
    side_px = int(model.inputs[0].get_shape()[-1])
    finest = [node for node in convolutions if int(node.get_output_shape(0)[-1]) >= side_px]
    left = {"none": [], "ends": ends, "finest": ends + finest}[kept]
    return sorted({node.get_friendly_name() for node in left})
