"""Building engines ahead of time: on any machine, without a card, for the cards that are named."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.card import ModelCard
from engine.errors import BackendUnavailableError
from engine.tensorrt.engine_card import EngineCard, EngineOrder
from engine.tensorrt.errors import EngineBuildError
from engine.tensorrt.library import is_rtx, last_words, library_version, load_library, make_logger
from engine.tensorrt.typed_graph import INPUT, TypedGraph, type_graph

COMPUTE_CAPABILITIES = ("8.6", "8.9", "12.0")
"""Cards that engines are built for: Ampere (RTX 30), Ada (RTX 40) and Blackwell (RTX 50) with their RTX PRO kin."""


@dataclass(frozen=True)
class BuiltEngine:
    """An engine in memory and its card."""

    engine: bytes
    """The engine as it is written."""
    card: EngineCard
    """What it is."""


def build_engine(
    model: ModelCard, order: EngineOrder, *, capabilities: Sequence[str] = COMPUTE_CAPABILITIES
) -> BuiltEngine:
    """Build a model's exported graph into one engine, whole; needs no card and takes seconds.

    Raises BackendUnavailableError without TensorRT for RTX or onnx, EngineBuildError when an operator
    would stay outside, a capability is unknown, or the build fails.
    """
    started = time.perf_counter()
    library = load_library()
    if not is_rtx(library):
        raise BackendUnavailableError(
            f"Only TensorRT for RTX builds without a card; {library_version(library)} is installed. "
            "Run `pip install 'crystal-monitor[rtx]'`, or let the station compile on its card."
        )
    graph = type_graph(model, order)
    logger = make_logger(library)
    inside = _operators_inside(library, logger, graph)
    builder = library.Builder(logger)
    network = _strongly_typed(library, builder)
    parser = library.OnnxParser(network, logger)
    if not parser.parse(graph.serialized):
        raise EngineBuildError(f"TensorRT did not take the graph of {model.name!r}: {last_words(logger)}.")
    config = builder.create_builder_config()
    if order.precision == "fp32":
        config.clear_flag(library.BuilderFlag.TF32)  # 10 bits of mantissa are no float32
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        config.set_compute_capability(_capability(library, capability), index)
    for batch in order.batches:
        shape = (batch, model.network.in_channels, order.height_px, order.width_px)
        profile = builder.create_optimization_profile()
        profile.set_shape(INPUT, shape, shape, shape)
        config.add_optimization_profile(profile)
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise EngineBuildError(f"TensorRT could not build {model.name!r}: {last_words(logger)}.")
    engine = bytes(serialized)
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
        batches=order.batches,
        outputs=model.outputs,
        compute_capabilities=tuple(capabilities),
        library=library_version(library),
        built_with="onnx",
        exported_operators=graph.exported_operators,
        operators=graph.operators,
        operators_inside=inside,
        engines=1,
        network_layers=network.num_layers,
        build_s=round(time.perf_counter() - started, 3),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return BuiltEngine(engine, card)


def write_engine(built: BuiltEngine, folder: Path) -> Path:
    """Write engine and card (its name plus `.json`) to a folder, which is made; give the engine's path.

    Each is written whole and then put in place, the card last: a reader that comes in between finds that
    the two do not belong together. Both can be written by their owner alone. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    card = built.card
    order = EngineOrder(card.height_px, card.width_px, card.precision, card.batches)
    path = folder / order.file_name(card.model)
    put_in_place(path, built.engine)
    put_in_place(card_path(path), card.to_json().encode())
    return path


def card_path(engine: Path) -> Path:
    """Where the card of an engine is."""
    return engine.with_name(engine.name + ".json")


def put_in_place(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for its owner to write and all to read; raise OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    staged = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), 0o644)
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def _strongly_typed(library: Any, builder: Any) -> Any:
    return builder.create_network(1 << int(library.NetworkDefinitionCreationFlag.STRONGLY_TYPED))


def _operators_inside(library: Any, logger: Any, graph: TypedGraph) -> int:
    """Count the operators that the parser takes, and refuse a graph of which it does not take all."""
    builder = library.Builder(logger)
    scratch = _strongly_typed(library, builder)  # asking fills it
    parser = library.OnnxParser(scratch, logger)
    whole = parser.supports_model_v2(graph.serialized)
    taken = [
        parser.get_subgraph_nodes(index)
        for index in range(parser.num_subgraphs)
        if parser.is_subgraph_supported(index)
    ]
    inside = sum(len(nodes) for nodes in taken)
    plugins = [
        layer.name
        for layer in (scratch.get_layer(index) for index in range(scratch.num_layers))
        if layer.type in (library.LayerType.PLUGIN_V2, library.LayerType.PLUGIN_V3)
    ]
    if not whole or len(taken) != 1 or inside != graph.operators or plugins:
        raise EngineBuildError(
            f"TensorRT takes {inside} of the graph's {graph.operators} operators in {len(taken)} pieces"
            f"{f' and needs plugins for {plugins}' if plugins else ''}: {last_words(logger)}. "
            "A network that is to run on the card must be whole; use operators that TensorRT has."
        )
    return inside


def _capability(library: Any, capability: str) -> Any:
    known = library.ComputeCapability.__members__
    name = f"SM{capability.replace('.', '')}"
    if name not in known:
        raise EngineBuildError(
            f"TensorRT for RTX knows no compute capability {capability!r}; it knows "
            f"{', '.join(sorted(entry for entry in known if entry.startswith('SM')))} (SM86 is 8.6). "
            "For a data-centre card take `pip install 'crystal-monitor[datacenter]'` instead."
        )
    return known[name]
