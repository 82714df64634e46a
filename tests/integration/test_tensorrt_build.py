"""The very engines that are shipped, built without a card: parsed whole, one engine, no operator outside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")
pytest.importorskip("torch")

import onnx
import torch
from safetensors.torch import load_file
from torch.utils._python_dispatch import TorchDispatchMode

from engine import ModelCard, available_models, load_card
from engine.backends.contract import logit_shifts
from engine.card import sha256_of
from engine.errors import BackendError
from engine.export import release
from engine.network.configuration import NetworkConfiguration
from engine.network.crystal_network import CrystalNetwork
from engine.parity import ParityGate
from engine.tensorrt import EngineBuildError, EngineOrder, build_engine
from engine.tensorrt.building import card_path
from engine.tensorrt.on_card import fold_batch_normalisation
from engine.tensorrt.typed_graph import type_graph
from tests.contract.test_segmentation_backend import normalised_image
from tests.integration.command_line import run

CARDS = ["8.6", "8.9", "12.0"]


@pytest.fixture(scope="module")
def full_width(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """The paper's network, 64 channels wide, with random weights."""
    torch.manual_seed(0)
    configuration = NetworkConfiguration(width=64)
    card = replace(load_card(), name="full", network=configuration, parity_sha256="")
    return release(CrystalNetwork(configuration).state_dict(), card, tmp_path_factory.mktemp("full"))


def assert_whole(card: dict[str, object], model: ModelCard) -> None:
    assert (card["coverage"], card["engines"]) == (1.0, 1)
    assert card["operators_inside"] == card["operators"]
    assert card["exported_operators"] == len(onnx.load(model.onnx_path).graph.node)
    assert card["network_layers"] > card["operators"] > 100
    assert card["compute_capabilities"] == CARDS
    assert card["weights_sha256"] == model.safetensors_sha256
    assert card["onnx_sha256"] == model.onnx_sha256


@pytest.mark.parametrize("model", available_models())
def test_every_shipped_model_builds_whole(model: str, tmp_path: Path) -> None:
    """Through the command line, as it is done for a station."""
    answer = run(
        tmp_path, "model", "build", "--target", "rtx", "--precision", "fp16", "--output", "engines",
        "--model", model, "--json",
    )  # fmt: skip
    assert answer.code == 0, answer
    rows = json.loads(answer.output)
    assert {(row["height_px"], row["width_px"]) for row in rows} >= {(1024, 1024)}
    for row in rows:
        assert_whole(row, load_card(model))
        path = tmp_path / str(row["path"])
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["engine_sha256"]
        stored = json.loads(card_path(path).read_text())
        assert stored == {"engine_card_format": 1} | {k: v for k, v in row.items() if k != "path"}
        assert (row["precision"], row["batches"]) == ("fp16", [1, 4])


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_full_width_network_builds_whole(full_width: ModelCard, tmp_path: Path) -> None:
    narrow = build_engine(load_card(), EngineOrder(1024, 1024))
    wide = build_engine(full_width, EngineOrder(1024, 1024))
    assert_whole(json.loads(wide.card.to_json()), full_width)
    assert len(wide.engine) > 2 * len(narrow.engine), "the control: it is the wide one"
    single = build_engine(full_width, EngineOrder(1024, 1024, "fp32", (1,)))
    assert len(single.engine) > 1.5 * len(
        build_engine(full_width, EngineOrder(1024, 1024, "fp16", (1,))).engine
    )


def test_half_precision_is_written_into_the_graph() -> None:
    """All of the network is half; image, shift and probabilities are not."""
    model = onnx.load_from_string(type_graph(load_card(), EngineOrder(128, 128)).serialized)
    kinds = {onnx.TensorProto.FLOAT16: "half", onnx.TensorProto.FLOAT: "single"}
    stored = {entry.name: kinds.get(entry.data_type) for entry in model.graph.initializer}
    weights = {node.input[1] for node in model.graph.node if node.op_type in ("Conv", "ConvTranspose")}
    assert len(weights) > 40
    assert {stored[name] for name in weights} == {"half"}
    assert stored["logit_shift"] == "single"
    single = onnx.load_from_string(type_graph(load_card(), EngineOrder(128, 128, "fp32")).serialized)
    assert {entry.data_type for entry in single.graph.initializer if entry.name in weights} == {
        onnx.TensorProto.FLOAT
    }


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_graph_computes_what_the_network_computes(precision: str, batch: int) -> None:
    """What TensorRT is given, run by OpenVINO in f32: rounding of the weights apart, the network itself."""
    from engine.backends import create_backend
    from engine.backends.openvino_core import openvino_core

    image = np.repeat(normalised_image(144, 208), batch, 0)
    expected = create_backend("torch", load_card(), threads=1).infer(image)
    core = openvino_core()
    graph = core.read_model(type_graph(load_card(), EngineOrder(144, 208, precision)).serialized)  # type: ignore[arg-type]
    graph.reshape([batch, 1, 144, 208])
    compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(image)[0]
    assert expected.max() > 0.5, "the control: there is something to see"
    np.testing.assert_allclose(found, expected, atol=0.02 if precision == "fp16" else 0.005)


class RoundedToHalf(TorchDispatchMode):
    """Rounds what every operator gives to half precision, as a strongly typed network does; sums stay in float32."""

    def __torch_dispatch__(self, operator: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        given = operator(*arguments, **(named or {}))
        return (
            given.half().float() if isinstance(given, torch.Tensor) and given.is_floating_point() else given
        )


class Emulated:
    """The network in half precision, emulated on the processor: what comes nearest to the card without one."""

    def __init__(self, card: ModelCard) -> None:
        self._network = CrystalNetwork(card.network)
        self._network.load_state_dict(load_file(card.safetensors_path))
        fold_batch_normalisation(self._network.eval())
        self._shift = torch.tensor(logit_shifts(card.positive_weights)).view(1, -1, 1, 1)

    def describe(self) -> str:
        return "emulated fp16"

    def prepare(self, height: int, width: int) -> None: ...

    def infer(self, image_BCHW: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            with RoundedToHalf():
                logits = self._network(torch.from_numpy(image_BCHW))
            return torch.sigmoid(logits - self._shift).numpy()

    def close(self) -> None: ...


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("model", available_models())
def test_half_precision_is_enough_for_the_shipped_weights(model: str) -> None:
    """The parity gate holds, with room, and nothing goes beyond half's range (65504)."""
    card = load_card(model)
    figures = ParityGate(card).check(Emulated(card))
    assert figures.mask_iou > 0.999
    assert figures.area_difference_p99 < 0.002


def test_weights_beyond_half_precision_are_an_error(tmp_path: Path) -> None:
    model = load_card()
    graph = onnx.load(model.onnx_path)
    bias = next(entry for entry in graph.graph.initializer if entry.name == "head.bias")
    large = onnx.numpy_helper.from_array(np.array([7e4, 0], np.float32), "head.bias")
    bias.CopyFrom(large)
    onnx.save(graph, tmp_path / "default.onnx")
    spoilt = replace(model, folder=tmp_path, onnx_sha256=sha256_of(tmp_path / "default.onnx"))
    type_graph(spoilt, EngineOrder(128, 128, "fp32"))
    with pytest.raises(EngineBuildError, match=r"head.bias go up to 70000.*fp32"):
        type_graph(spoilt, EngineOrder(128, 128))


def test_an_operator_that_tensorrt_lacks_is_an_error(tmp_path: Path) -> None:
    model = load_card()
    graph = onnx.load(model.onnx_path)
    node = next(node for node in graph.graph.node if node.op_type == "MaxPool")
    node.domain, node.op_type = "somebody", "OwnPool"
    graph.opset_import.append(onnx.helper.make_opsetid("somebody", 1))
    onnx.save(graph, tmp_path / "default.onnx")
    own = replace(model, folder=tmp_path, onnx_sha256=sha256_of(tmp_path / "default.onnx"))
    with pytest.raises(BackendError, match=r"TensorRT takes .* of the graph's 1\d\d operators"):
        build_engine(own, EngineOrder(128, 128))


def test_what_cannot_be_built_is_the_users_mistake(tmp_path: Path) -> None:
    calls = {
        "cpu": (("--target", "cpu"), "nothing to build"),
        "model": (("--target", "rtx", "--model", "nobody"), "There is no model 'nobody'"),
        "frame": (("--target", "rtx", "--frame", "big"), "'big' is no size"),
        "card": (("--target", "rtx", "--compute-capability", "1.3"), "no compute capability '1.3'"),
    }
    for arguments, words in calls.values():
        answer = run(tmp_path, "model", "build", *arguments, "--output", "engines")
        assert (answer.code, answer.output) == (2, "")
        assert words in answer.error
        assert "Traceback" not in answer.error
    assert list(tmp_path.glob("engines/*")) == []


def test_without_tensorrt_it_says_what_to_install(tmp_path: Path) -> None:
    """A package of that name that cannot be imported stands before the real one."""
    for name in ("tensorrt_rtx", "tensorrt"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('libtensorrt_rtx.so.1 is missing')")
    path = f"{tmp_path}:{Path(__file__).resolve().parents[2]}"
    answer = run(tmp_path, "model", "build", "--target", "rtx", "--output", "engines", PYTHONPATH=path)
    assert answer.code == 2
    assert "TensorRT for RTX is not installed (libtensorrt_rtx.so.1 is missing)" in answer.error
    assert "pip install 'crystal-monitor[rtx]'" in answer.error


def test_a_folder_that_others_may_write_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "engines").mkdir()
    (tmp_path / "engines").chmod(0o777)
    answer = run(
        tmp_path, "model", "build", "--target", "rtx", "--frame", "128x128", "--output", "engines", "--json"
    )
    assert answer.code == 0
    assert len(json.loads(answer.output)) >= 1
    assert "would not be loaded here" in answer.error
