"""What every segmentation back end promises, over all of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from shutil import copy

import cv2
import numpy as np
import pytest

from engine import ModelCard, WeightsMismatchError, load_card
from engine.backends import BACKENDS, SegmentationBackend, create_backend
from engine.errors import BackendError, BackendUnavailableError
from engine.parity import ParityGate
from engine.preprocess import preprocess
from engine.tensorrt import EngineOrder
from engine.tensorrt.typed_graph import type_graph

CASES = ["openvino-f32", "openvino-auto", "torch-auto"]


def create(case: str, cache: Path) -> SegmentationBackend:
    name, precision = case.split("-")
    if name == "torch":
        pytest.importorskip("torch")
        pytest.importorskip("safetensors")
    return create_backend(name, load_card(), threads=1, cache=cache, precision=precision)


@pytest.fixture(scope="module", params=CASES)
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SegmentationBackend]:
    backend = create(request.param, tmp_path_factory.mktemp("cache"))
    yield backend
    backend.close()


def normalised_image(height: int = 160, width: int = 208, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.full((height, width), 160, np.uint8)
    for _ in range(4):
        centre = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(image, centre, int(rng.integers(8, 30)), int(rng.integers(40, 120)), -1)
    return preprocess(cv2.GaussianBlur(image, (0, 0), 1))[None, None]


def test_gives_probabilities_of_every_output(backend: SegmentationBackend) -> None:
    probability = backend.infer(normalised_image())
    assert probability.shape == (1, 2, 160, 208)
    assert probability.dtype == np.float32
    assert probability.min() >= 0
    assert probability.max() <= 1
    assert probability[0, 0].max() - probability[0, 0].min() > 0.3


def test_sizes_may_change_from_call_to_call(backend: SegmentationBackend) -> None:
    for height, width in ((128, 128), (144, 192), (128, 128)):
        assert backend.infer(normalised_image(height, width)).shape == (1, 2, height, width)


def test_prepare_changes_nothing(backend: SegmentationBackend) -> None:
    before = backend.infer(normalised_image()).copy()
    backend.prepare(160, 208)
    np.testing.assert_array_equal(backend.infer(normalised_image()), before)


def test_input_may_be_read_only_and_strided_and_is_left_alone(backend: SegmentationBackend) -> None:
    image = normalised_image()
    expected = backend.infer(image).copy()
    wide = np.repeat(image, 2, 3)
    wide.setflags(write=False)
    np.testing.assert_array_equal(backend.infer(wide[:, :, :, ::2]), expected)
    np.testing.assert_array_equal(wide, np.repeat(image, 2, 3))


def test_sides_that_are_no_multiple_of_the_stride_are_an_error(backend: SegmentationBackend) -> None:
    with pytest.raises(BackendError, match="stride"):
        backend.infer(np.zeros((1, 1, 130, 128), np.float32))


def test_says_what_runs(backend: SegmentationBackend) -> None:
    name, precision = backend.describe().split()
    assert name in BACKENDS
    assert precision in ("f32", "bf16")


@pytest.mark.parametrize("case", CASES)
def test_closes_twice_and_is_of_no_use_then(case: str, tmp_path: Path) -> None:
    backend = create(case, tmp_path)
    backend.infer(normalised_image(128, 128))
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match=r"was closed\. Create"):
        backend.infer(normalised_image(128, 128))


def test_a_batch_is_its_images(backend: SegmentationBackend) -> None:
    images = [normalised_image(seed=seed) for seed in range(2)]
    singly = [backend.infer(image)[0].copy() for image in images]
    together = backend.infer(np.concatenate(images))
    assert together.shape == (2, 2, 160, 208)
    np.testing.assert_allclose(together, np.stack(singly), atol=0.05)


def test_what_was_made_in_one_thread_serves_in_another(backend: SegmentationBackend) -> None:
    expected = backend.infer(normalised_image()).copy()
    with ThreadPoolExecutor(1) as other:
        found = other.submit(lambda: backend.infer(normalised_image()).copy()).result()
    np.testing.assert_array_equal(found, expected)


def test_passes_the_parity_gate(backend: SegmentationBackend) -> None:
    figures = ParityGate(load_card()).check(backend)
    assert figures.crystals >= 200


def test_back_ends_agree(tmp_path: Path) -> None:
    """f32 to rounding; bf16 within what moves a crystal's edge by less than a tenth of a pixel."""
    reference, exact, fast = (
        create(case, tmp_path) for case in ("torch-auto", "openvino-f32", "openvino-auto")
    )
    for seed in range(3):
        image = normalised_image(192, 256, seed)
        expected = reference.infer(image).copy()
        assert np.abs(exact.infer(image) - expected).max() < 1e-3
        found = fast.infer(image)
        assert np.abs(found - expected).mean() < 0.01
        assert ((found[:, 0] > 0.5) != (expected[:, 0] > 0.5)).mean() < 0.005


def test_positive_weights_are_undone(tmp_path: Path) -> None:
    card = load_card()
    for name in ("torch", "openvino"):
        if name == "torch":
            pytest.importorskip("torch")
        # One cache folder for both: the graph of the one must not be taken for that of the other.
        raw = create_backend(
            name, replace(card, positive_weights=(1.0, 1.0)), threads=1, cache=tmp_path, precision="f32"
        )
        calibrated = create_backend(
            name, replace(card, positive_weights=(1.5, 4.0)), threads=1, cache=tmp_path, precision="f32"
        )
        p = raw.infer(normalised_image()).copy()
        weight = np.array([1.5, 4.0], np.float32).reshape(1, 2, 1, 1)
        np.testing.assert_allclose(
            calibrated.infer(normalised_image()), p / (p + weight * (1 - p)), atol=1e-4
        )


def test_auto_takes_openvino(tmp_path: Path) -> None:
    assert create_backend("auto", load_card(), threads=1, cache=tmp_path).describe().startswith("openvino")


@pytest.mark.parametrize(("name", "precision"), [("cuda", "auto"), ("openvino", "int3"), ("torch", "bf16")])
def test_what_cannot_run_is_an_error(name: str, precision: str) -> None:
    with pytest.raises(BackendUnavailableError):
        create_backend(name, load_card(), precision=precision)


@pytest.mark.parametrize("name", ["openvino", "torch"])
def test_a_named_back_end_that_is_not_installed_is_an_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(BackendUnavailableError, match=f"{name} is not installed.*pip install"):
        create_backend(name, load_card())


def test_weights_of_another_network_are_refused_by_torch() -> None:
    pytest.importorskip("torch")
    card = load_card()
    with pytest.raises(WeightsMismatchError, match="do not fit"):
        create_backend("torch", replace(card, network=replace(card.network, pyramid_width=48)))


@pytest.fixture
def own_card(tmp_path: Path) -> ModelCard:
    """The card of a copy of the model, verified while all was right."""
    shipped = load_card()
    for path in shipped.folder.glob(f"{shipped.name}.*"):
        copy(path, tmp_path)
    return load_card(tmp_path / f"{shipped.name}.json")


def put_another_in_its_place(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1  # among the weights: it can be read as before
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["openvino", "torch"])
def test_weights_that_changed_while_the_program_ran_are_refused(name: str, own_card: ModelCard) -> None:
    if name == "torch":
        pytest.importorskip("torch")
    create_backend(
        name, own_card, threads=1
    ).close()  # the control: it is made, and may be made anew after a loss
    put_another_in_its_place(own_card.onnx_path if name == "openvino" else own_card.safetensors_path)
    with pytest.raises(WeightsMismatchError, match="started anew"):
        create_backend(name, own_card, threads=1)


def test_no_engine_is_built_from_weights_that_changed(own_card: ModelCard) -> None:
    pytest.importorskip("onnx")
    order = EngineOrder(128, 128)
    assert type_graph(own_card, order).operators
    put_another_in_its_place(own_card.onnx_path)
    with pytest.raises(WeightsMismatchError, match="started anew"):
        type_graph(own_card, order)
