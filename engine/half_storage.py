"""Weights stored in half precision: files half as large, the same arithmetic everywhere.

Convolution weights are rounded to float16 at the release; torch and the ONNX graph then compute in float32. Biases and
statistics stay float32: they are few, and small variances would suffer. The exporter folds batch normalisation into
some weights before they are rounded, so the two differ by a rounding (2⁻¹¹), far below bf16's own (2⁻⁸).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEWEST_VALUES = 256
"""Smaller tensors gain nothing and stay as they are."""


def stored_in_half(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors as they are stored: convolution weights (four axes) as float16, contiguous, on the CPU."""
    return {
        name: (value.half() if value.ndim == 4 and value.numel() >= _FEWEST_VALUES else value)
        .detach()
        .to("cpu")
        .contiguous()
        for name, value in state.items()
    }


def store_graph_in_half(path: Path) -> None:
    """Rewrite an ONNX file so that large float32 constants are float16 with a cast behind them.

    A back end folds the casts when it loads the graph.
    """
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for constant in graph.initializer:
        if constant.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(constant)
        half = values.astype(np.float16)
        if values.size < _FEWEST_VALUES:
            continue
        stored = f"{constant.name}_half"
        casts.append(helper.make_node("Cast", [stored], [constant.name], to=TensorProto.FLOAT))
        constant.CopyFrom(numpy_helper.from_array(half, stored))
    for position, node in enumerate(casts):
        graph.node.insert(position, node)
    del graph.value_info[:]  # shapes of the exporter's own bookkeeping; the casts are not in it
    for node in graph.node:  # stack traces with the paths of the machine that exported
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)
