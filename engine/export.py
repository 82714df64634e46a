"""Release: from a trained network to the files of a model: safetensors, ONNX and the card."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

from engine.card import ModelCard, sha256_of
from engine.half_storage import store_graph_in_half, stored_in_half
from engine.network.crystal_network import CrystalNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_SIDE_PX = 16384
"""Largest height or width that an exported graph takes."""
_SMALLEST_TOP_SIDE = 5  # below it the coarsest pooling ratio (0.1) would have no bin


def export_onnx(network: CrystalNetwork, path: Path) -> None:
    """Write the network as ONNX, float32, input `image_BCHW` (1, 1, H, W), output `logits_BCHW`.

    H and W are free multiples of the network's stride. Batch normalisation is folded by the back end.
    """
    stride = network.configuration.stride
    largest = LARGEST_SIDE_PX // stride
    height = torch.export.Dim("height", min=_SMALLEST_TOP_SIDE, max=largest)
    width = torch.export.Dim("width", min=_SMALLEST_TOP_SIDE, max=largest)
    # Two different sizes, lest the exporter take them for one.
    example = torch.zeros(1, network.configuration.in_channels, stride * 11, stride * 13)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):  # the exporter's progress is no news to a user
        program = torch.onnx.export(
            network.eval(),
            (example,),
            dynamo=True,
            verbose=False,
            dynamic_shapes=({2: stride * height, 3: stride * width},),
            input_names=["image_BCHW"],
            output_names=["logits_BCHW"],
            opset_version=18,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    program.save(path)


def release(state: Mapping[str, torch.Tensor], card: ModelCard, folder: Path) -> ModelCard:
    """Write NAME.safetensors, NAME.onnx and NAME.json to `folder` and give the card with its hashes.

    `state` is the state dict of a CrystalNetwork of `card.network`; `card`'s hashes and folder are
    ignored. Each file is written whole and then put in place, the card last: a reader that comes in
    between meets the old model or a WeightsMismatchError, never a mixture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = CrystalNetwork(card.network)
    tensors = stored_in_half(state)
    network.load_state_dict(tensors)  # back in float32, rounded: what is exported is what is stored
    new = replace(card, folder=folder)
    staged = {path: path.with_name(path.name + ".new") for path in (new.safetensors_path, new.onnx_path)}
    save_file(tensors, staged[new.safetensors_path], metadata={"format": "pt"})
    export_onnx(network, staged[new.onnx_path])
    store_graph_in_half(staged[new.onnx_path])
    new = replace(
        new,
        safetensors_sha256=sha256_of(staged[new.safetensors_path]),
        onnx_sha256=sha256_of(staged[new.onnx_path]),
    )
    card_file = folder / f"{new.name}.json"
    staged[card_file] = card_file.with_name(card_file.name + ".new")
    staged[card_file].write_text(new.to_json(), encoding="utf-8")
    for path, written in staged.items():
        written.chmod(0o644)  # safetensors writes for the owner alone; a daemon of another user reads
        os.replace(written, path)  # noqa: PTH105 - atomic, and the same on every platform
    return new
