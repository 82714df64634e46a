"""Compiling on the card with torch_tensorrt: the other way to the same engine."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import Any

from engine.backends.contract import logit_shifts
from engine.card import ModelCard
from engine.errors import BackendUnavailableError, WeightsMismatchError
from engine.tensorrt.building import BuiltEngine
from engine.tensorrt.device import failure
from engine.tensorrt.engine_card import EngineCard, EngineOrder
from engine.tensorrt.errors import EngineBuildError
from engine.tensorrt.typed_graph import INPUT, OUTPUT


def compile_on_card(
    model: ModelCard, order: EngineOrder, *, library: str, capability: str, device: str = "cuda"
) -> BuiltEngine:
    """Compile a model's network for the card in this machine, whole or not at all; one tile per call.

    `library` and `capability` go into the engine's card. `device` is where torch holds the network
    meanwhile. Raises BackendUnavailableError without torch_tensorrt, WeightsMismatchError,
    EngineBuildError when an operator would stay outside, and what `failure` gives.
    """
    try:
        import torch  # noqa: PLC0415
        import torch_tensorrt  # noqa: PLC0415 - asks the driver for the card as soon as it is imported
    except (ImportError, RuntimeError, OSError) as error:
        raise BackendUnavailableError(
            f"torch_tensorrt cannot be used here ({error}). Run `pip install 'crystal-monitor[rtx]'` on a machine "
            "with an NVIDIA card (`torch-tensorrt` instead of its RTX build for a data-centre card)."
        ) from error
    started = time.perf_counter()
    program = export_program(model, order, device=device)
    operators = sum(node.op == "call_function" for node in program.graph.nodes)
    shape = (1, model.network.in_channels, order.height_px, order.width_px)
    try:
        engine = torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine(
            program,
            arg_inputs=[torch_tensorrt.Input(shape, dtype=torch.float32)],
            require_full_compilation=True,  # no operator is left to torch
            min_block_size=1,
            immutable_weights=True,
            offload_module_to_cpu=True,
            disable_tf32=True,
            arg_input_binding_names=(INPUT,),
            output_binding_names=OUTPUT,
        )
    except RuntimeError as error:  # torch_tensorrt turns every failure into one
        raise failure("Compiling with torch_tensorrt", error) from error
    if not isinstance(engine, bytes) or not engine:
        raise EngineBuildError("torch_tensorrt gave no engine. Build one with `crystal-monitor model build`.")
    card = EngineCard(
        model=model.name,
        weights_sha256=model.safetensors_sha256,
        onnx_sha256=model.onnx_sha256,
        positive_weights=model.positive_weights,
        engine_sha256=hashlib.sha256(engine).hexdigest(),
        engine_bytes=len(engine),
        precision=order.precision,
        height_px=order.height_px,
        width_px=order.width_px,
        batches=(1,),
        outputs=model.outputs,
        compute_capabilities=(capability,),
        library=library,
        built_with="torch_tensorrt",
        exported_operators=operators,
        operators=operators,
        operators_inside=operators,
        engines=1,
        network_layers=None,
        build_s=round(time.perf_counter() - started, 3),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return BuiltEngine(engine, card)


def export_program(model: ModelCard, order: EngineOrder, *, device: str) -> Any:
    """Export network, shift and sigmoid as a torch program for one tile: float32 in and out, `precision` between."""
    import torch  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    from engine.network.crystal_network import CrystalNetwork  # noqa: PLC0415

    network = CrystalNetwork(model.network)
    try:
        network.load_state_dict(load_file(model.verify(model.safetensors_path, model.safetensors_sha256)))
    except RuntimeError as error:
        raise WeightsMismatchError(
            f"The weights {model.safetensors_path} do not fit the network of their card: {error}. "
            "Release the weights anew with `python -m train release`."
        ) from error
    fold_batch_normalisation(network.eval())
    arithmetic = torch.float16 if order.precision == "fp16" else torch.float32

    class Probability(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network.to(arithmetic)
            self.register_buffer(
                "shift", torch.tensor(logit_shifts(model.positive_weights)).view(1, -1, 1, 1)
            )

        def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
            logits_BCHW = self.network(image_BCHW.to(arithmetic)).float()
            return torch.sigmoid(logits_BCHW - self.get_buffer("shift"))

    example = torch.zeros(1, model.network.in_channels, order.height_px, order.width_px, device=device)
    return torch.export.export(Probability().eval().to(device), (example,))


def fold_batch_normalisation(network: Any) -> None:
    """Work each batch normalisation into the convolution before it, in place, while all is float32.

    Left by itself in half precision, its statistics would be rounded: that alone moved the areas of crystals by
    0.25 %.
    """
    import torch  # noqa: PLC0415
    from torch.nn.utils.fusion import fuse_conv_bn_eval  # noqa: PLC0415

    from engine.network.blocks import ConvolutionBlock  # noqa: PLC0415

    for block in network.modules():
        if isinstance(block, ConvolutionBlock):
            block.first_convolution = fuse_conv_bn_eval(block.first_convolution, block.first_norm)
            block.second_convolution = fuse_conv_bn_eval(block.second_convolution, block.second_norm)
            block.first_norm = torch.nn.Identity()  # type: ignore[assignment]
            block.second_norm = torch.nn.Identity()  # type: ignore[assignment]
