"""The exported graph as TensorRT wants it: one size, one precision throughout, probabilities at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.backends.contract import logit_shifts
from engine.card import ModelCard
from engine.errors import BackendUnavailableError
from engine.tensorrt.engine_card import EngineOrder
from engine.tensorrt.errors import EngineBuildError

INPUT = "image_BCHW"
"""Name of the engine's input: float32 (B, 1, H, W), normalised."""
OUTPUT = "probability_BCHW"
"""Name of the engine's output: float32 (B, C, H, W), calibrated probabilities."""
_LOGITS = "logits_BCHW"
_LARGEST_HALF = float(np.finfo(np.float16).max)

Constants = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class TypedGraph:
    """A graph that is ready for TensorRT's parser."""

    serialized: bytes
    """The ONNX model; input `image_BCHW` and output `probability_BCHW` float32, the batch free."""
    exported_operators: int
    """Nodes of the exported graph."""
    operators: int
    """Nodes of this one."""


def type_graph(card: ModelCard, order: EngineOrder) -> TypedGraph:
    """Fix the exported graph's height and width, compute what hangs on them, and set its precision.

    TensorRT for RTX takes every tensor's type as it stands in the graph, so half precision is written
    into it: the image is cast to half at the door, and the logits back to float32 before the shift and
    the sigmoid, which costs nothing and keeps a probability's 24 bits. The pooling matrices, which hang on the
    size alone, are computed here in float32 and rounded once. Raises BackendUnavailableError without the
    package onnx, WeightsMismatchError for a file that is not the card's, EngineBuildError for a size that does not fit
    or weights beyond half's range.
    """
    try:
        import onnx  # noqa: PLC0415 - only a build needs it
        from google.protobuf.message import DecodeError  # noqa: PLC0415
        from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415
    except ImportError as error:
        raise BackendUnavailableError(
            f"Building an engine needs the package onnx ({error}). Run `pip install 'crystal-monitor[rtx]'`."
        ) from error
    stride = card.network.stride
    if order.height_px % stride or order.width_px % stride or min(order.height_px, order.width_px) < stride:
        raise EngineBuildError(
            f"An engine cannot be built for {order.height_px}×{order.width_px} px: "
            f"both sides must be multiples of the network's stride, {stride} px."
        )
    try:
        exported = onnx.load(card.verify(card.onnx_path, card.onnx_sha256))
    except (OSError, DecodeError) as error:
        raise EngineBuildError(
            f"The exported graph {card.onnx_path} cannot be read ({error}). Release the weights anew."
        ) from error
    channels, outputs = card.network.in_channels, card.network.out_channels
    size = order.height_px, order.width_px
    constants = {entry.name: numpy_helper.to_array(entry) for entry in exported.graph.initializer}
    nodes = _fold(exported, constants, (1, channels, *size))
    half = order.precision == "fp16"
    floating = np.float16 if half else np.float32
    logits = _LOGITS
    if half:
        for node in nodes:
            node.input[:] = ["image_half" if name == INPUT else name for name in node.input]
        door = helper.make_node("Cast", [INPUT], ["image_half"], "image_to_half", to=TensorProto.FLOAT16)
        back = helper.make_node(
            "Cast", [_LOGITS], ["logits_single"], "logits_to_single", to=TensorProto.FLOAT
        )
        nodes, logits = [door, *nodes, back], "logits_single"
    nodes += [
        helper.make_node("Sub", [logits, "logit_shift"], ["logits_shifted"], "shift_logits"),
        helper.make_node("Sigmoid", ["logits_shifted"], [OUTPUT], "probability"),
    ]
    used = {name for node in nodes for name in node.input}
    keep_type = _scales_of_resizing(nodes)
    initializers = [
        numpy_helper.from_array(value if name in keep_type else _typed(name, value, floating), name)
        for name, value in constants.items()
        if name in used
    ]
    shift = np.asarray(logit_shifts(card.positive_weights), np.float32).reshape(1, -1, 1, 1)
    initializers.append(numpy_helper.from_array(shift, "logit_shift"))
    graph = helper.make_graph(
        nodes,
        card.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", channels, *size])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", outputs, *size])],
        initializers,
    )
    model = helper.make_model(
        graph, opset_imports=exported.opset_import, ir_version=min(exported.ir_version, 10)
    )
    onnx.checker.check_model(model, full_check=True)  # types and shapes fit everywhere
    return TypedGraph(model.SerializeToString(), len(exported.graph.node), len(nodes))


def _fold(exported: Any, constants: Constants, image_shape: tuple[int, ...]) -> list[Any]:
    """Compute every node that hangs on constants and the image's size alone into `constants`; give the others."""
    from onnx import helper  # noqa: PLC0415
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

    opsets = {entry.domain: entry.version for entry in exported.opset_import}
    kept = []
    for node in exported.graph.node:
        if node.op_type == "Shape" and node.input[0] == INPUT:
            bounds = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
            start = bounds.get("start", 0)
            if start == 0:
                raise EngineBuildError("The exported graph looks at its batch. Release the weights anew.")
            constants[node.output[0]] = np.array(image_shape[start : bounds.get("end")], np.int64)
        elif all(not name or name in constants for name in node.input):
            inputs = {name: constants[name] for name in node.input if name}
            values = ReferenceEvaluator(node, opsets=opsets).run(None, inputs)
            constants.update(zip(node.output, [np.asarray(value) for value in values], strict=True))
        else:
            kept.append(node)
    return kept


def _typed(name: str, value: npt.NDArray[Any], floating: type[np.floating[Any]]) -> npt.NDArray[Any]:
    if value.dtype not in (np.float16, np.float32):
        return value  # sizes and axes are whole numbers
    if floating is np.float16 and np.abs(value).max(initial=0) > _LARGEST_HALF:
        raise EngineBuildError(
            f"The weights {name} go up to {np.abs(value).max():g}, beyond half precision's {_LARGEST_HALF:g}. "
            "Build with precision fp32."
        )
    return value.astype(floating)


def _scales_of_resizing(nodes: Iterable[Any]) -> set[str]:
    """Names of what ONNX wants in float32 whatever the graph's type: the scales of Resize."""
    return {name for node in nodes if node.op_type == "Resize" for name in node.input[1:]}
