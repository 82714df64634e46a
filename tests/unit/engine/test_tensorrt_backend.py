"""The back end's own part, over a card that stands in: engines are really built, only running them is not real."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")
pytest.importorskip("torch")

import tensorrt_rtx

from engine import load_card
from engine.backends import create_backend
from engine.backends.tensorrt import TensorRtBackend
from engine.errors import BackendError, BackendMemoryError, BackendUnavailableError, DeviceLostError
from engine.tensorrt import BuiltEngine, EngineOrder, build_engine, read_engine, write_engine
from engine.tensorrt.library import library_version
from engine.tensorrt.session import batches_of
from tests.unit.engine.standing_card import Context, StandingCard, formula

SIZE = (128, 144)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> StandingCard:
    standing = StandingCard()
    monkeypatch.setitem(__import__("sys").modules, "torch", standing.torch)
    monkeypatch.setitem(__import__("sys").modules, "tensorrt_rtx", standing.library)
    return standing


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Engines built ahead of time, for 8.6 among others."""
    folder = tmp_path_factory.mktemp("stock")
    for height, width in (SIZE, (144, 128), (128, 128)):
        write_engine(build_engine(load_card(), EngineOrder(height, width)), folder)
    return folder


@pytest.fixture
def engines(stock: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stock, tmp_path / "engines"))


def create(engines: Path | None, cache: Path | None = None) -> TensorRtBackend:
    return TensorRtBackend(load_card(), engines=[engines] if engines else [], cache=cache)


def tiles(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 1, *size)).astype(np.float32)


def test_runs_what_was_built_ahead_of_time(card: StandingCard, engines: Path, tmp_path: Path) -> None:
    backend = create(engines, tmp_path / "cache")
    assert backend.describe() == "tensorrt fp16"
    backend.prepare(*SIZE)
    assert card.loaded == [(engines / "default-128x144-fp16.engine").read_bytes()]
    image = tiles(1)
    np.testing.assert_array_equal(backend.infer(image), formula(image))
    assert backend.take_notices() == ()


def test_what_stands_in_has_nothing_that_the_library_lacks() -> None:
    asked = [name for name in vars(Context) if not name.startswith("_")]
    assert len(asked) == 6
    assert [name for name in asked if not hasattr(tensorrt_rtx.IExecutionContext, name)] == []
    for kind, names in {
        tensorrt_rtx.Runtime: ("get_engine_validity", "deserialize_cuda_engine"),
        tensorrt_rtx.ICudaEngine: ("create_runtime_config", "create_execution_context"),
        tensorrt_rtx.IRuntimeCache: ("serialize", "deserialize"),
        tensorrt_rtx.IRuntimeConfig: (
            "create_runtime_cache",
            "set_runtime_cache",
            "set_execution_context_allocation_strategy",
            "cuda_graph_strategy",
            "dynamic_shapes_kernel_specialization_strategy",
        ),
    }.items():
        assert [name for name in names if not hasattr(kind, name)] == []


@pytest.mark.parametrize("count", range(1, 10))
def test_any_number_of_tiles_keeps_its_order(card: StandingCard, engines: Path, count: int) -> None:
    image = tiles(count)
    np.testing.assert_array_equal(create(engines).infer(image), formula(image))


@pytest.mark.parametrize(
    ("count", "cut"), [(1, [1]), (3, [1, 1, 1]), (4, [4]), (6, [4, 1, 1]), (9, [4, 4, 1])]
)
def test_tiles_are_cut_into_the_fewest_batches(count: int, cut: list[int]) -> None:
    parts = list(batches_of(count, (1, 4)))
    assert [part.stop - part.start for part in parts] == cut
    assert [number for part in parts for number in range(part.start, part.stop)] == list(range(count))


def test_replays_one_graph_per_batch_size(card: StandingCard, engines: Path) -> None:
    backend = create(engines)
    backend.prepare(*SIZE)
    warm = card.enqueued
    assert warm > 0, "the control: kernels are compiled before the first tile"
    for seed in range(3):
        backend.infer(tiles(1, seed=seed))
    assert backend.graphs == (1,)
    assert card.enqueued == warm, "tiles go through the graph"
    backend.infer(tiles(4))
    assert backend.graphs == (1, 4)
    assert card.profiles == [0, 1], "each batch size has its own profile"


def test_runs_without_a_graph_where_none_can_be_captured(
    card: StandingCard, engines: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card.capturable = False
    backend = create(engines)
    image = tiles(2)
    np.testing.assert_array_equal(backend.infer(image), formula(image))
    assert backend.graphs == ()
    assert "without a CUDA graph" in caplog.text


def test_what_is_written_to_the_pinned_buffer_is_not_copied(card: StandingCard, engines: Path) -> None:
    backend = create(engines)
    buffer = backend.buffer(*SIZE)
    image = tiles(1)
    buffer[:] = image
    buffer.setflags(write=False)  # a copy into it would fail
    np.testing.assert_array_equal(backend.infer(buffer), formula(image))
    with pytest.raises(ValueError, match="read-only"):
        backend.infer(image.copy())


def test_input_may_be_read_only_and_strided(card: StandingCard, engines: Path) -> None:
    image = np.repeat(tiles(1), 2, 3)
    image.setflags(write=False)
    np.testing.assert_array_equal(create(engines).infer(image[..., ::2]), formula(image[..., ::2]))


def test_holds_two_shapes_at_once(card: StandingCard, engines: Path) -> None:
    backend = create(engines)
    for size in (SIZE, (144, 128), SIZE, (128, 128)):
        np.testing.assert_array_equal(backend.infer(tiles(1, size)), formula(tiles(1, size)))
    assert len(card.loaded) == 3
    backend.infer(tiles(1, SIZE))
    assert len(card.loaded) == 3, "the one that was used last but one is still there"
    backend.infer(tiles(1, (144, 128)))
    assert len(card.loaded) == 4


def test_an_engine_that_is_missing_is_built_and_kept(card: StandingCard, tmp_path: Path) -> None:
    backend = create(None, tmp_path)
    backend.prepare(*SIZE)
    kept = tmp_path / "tensorrt" / "default-128x144-fp16.engine"
    assert card.loaded == [kept.read_bytes()]
    assert '"compute_capabilities": [\n    "8.6"\n  ]' in kept.with_name(kept.name + ".json").read_text()
    before = kept.stat().st_mtime_ns
    create(None, tmp_path).prepare(*SIZE)
    assert (card.loaded[0], kept.stat().st_mtime_ns) == (card.loaded[1], before), "and taken the next time"


def test_a_corrupt_engine_is_refused_and_built_anew(
    card: StandingCard, engines: Path, tmp_path: Path
) -> None:
    path = engines / "default-128x144-fp16.engine"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    backend = create(engines, tmp_path / "cache")
    image = tiles(1)
    np.testing.assert_array_equal(backend.infer(image), formula(image))
    assert card.loaded != [path.read_bytes()]
    [notice] = backend.take_notices()
    assert "SHA-256" in notice


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda card: setattr(card, "refusing", 2), "unsupported cc"),
        (lambda card: setattr(card, "refusing", 1), "version mismatch"),
        (lambda card: setattr(card, "unloadable", True), "Serialization assertion"),
    ],
)
def test_an_engine_that_the_library_refuses_is_built_anew(
    card: StandingCard,
    engines: Path,
    spoil: Callable[[StandingCard], None],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoil(card)
    backend = create(engines)
    real = TensorRtBackend._build

    def build(self: TensorRtBackend, order: EngineOrder) -> object:
        card.refusing = None  # what is built here is for this card
        return real(self, order)

    monkeypatch.setattr(TensorRtBackend, "_build", build)
    image = tiles(1)
    np.testing.assert_array_equal(backend.infer(image), formula(image))
    [notice] = backend.take_notices()
    assert words in notice


def test_a_data_centre_card_runs_what_torch_tensorrt_compiles(
    monkeypatch: pytest.MonkeyPatch, stock: Path, tmp_path: Path
) -> None:
    """The standard library has neither kernel cache nor ahead-of-time builds: its part is left out, not missed."""
    made = read_engine(
        stock / "default-128x144-fp16.engine",
        load_card(),
        EngineOrder(*SIZE),
        library=library_version(tensorrt_rtx),
        capability="8.6",
    )
    standing = StandingCard(rtx=False)
    monkeypatch.setitem(__import__("sys").modules, "torch", standing.torch)
    monkeypatch.setitem(__import__("sys").modules, "tensorrt_rtx", None)
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", standing.library)
    asked: list[str] = []

    def compile_here(model: object, order: EngineOrder, *, library: str, capability: str) -> BuiltEngine:
        asked.append(library)
        return replace(made, card=replace(made.card, batches=(1,), library=library))

    monkeypatch.setattr("engine.backends.tensorrt.compile_on_card", compile_here)
    backend = create(stock, tmp_path)
    image = tiles(3)
    np.testing.assert_array_equal(backend.infer(image), formula(image))
    assert backend.graphs == (1,)
    assert asked == [f"tensorrt {tensorrt_rtx.__version__}"]
    [notice] = backend.take_notices()
    assert "was built by tensorrt_rtx" in notice, "an engine of the other library is refused"
    create(None, tmp_path).prepare(*SIZE)
    assert len(asked) == 1, "and the one that was compiled is kept"


def test_kernels_are_kept_and_given_back(card: StandingCard, engines: Path, tmp_path: Path) -> None:
    create(engines, tmp_path).prepare(*SIZE)
    assert card.kernels_given == [], "the control: there were none"
    [kept] = (tmp_path / "tensorrt").glob("*.kernels")
    assert kept.read_bytes() == card.kernels
    create(engines, tmp_path).prepare(*SIZE)
    assert card.kernels_given == [card.kernels]
    kept.chmod(0o666)
    create(engines, tmp_path).prepare(*SIZE)
    assert card.kernels_given == [card.kernels], "kernels that others could have written are not loaded"


FAILURES = [
    ("CUDA error: out of memory (cudaError 2: out of memory)", BackendMemoryError),
    ("CUDA error: unspecified launch failure (cudaError 719)", DeviceLostError),
    ("In enqueueV3: something else went wrong", BackendError),
]


@pytest.mark.parametrize(
    ("diagnostics", "words", "kind"),
    [
        (16, "", BackendMemoryError),
        (
            64,
            "Error reading CUDA GPU properties (cudaError 100: no CUDA-capable device is detected)",
            DeviceLostError,
        ),
        (0, "Error reading CUDA GPU properties (cudaError 35: driver version)", BackendError),
    ],
)
def test_an_engine_is_not_blamed_for_the_card(
    card: StandingCard, engines: Path, diagnostics: int, words: str, kind: type[BackendError]
) -> None:
    card.refusing, card.failing = diagnostics, words
    backend = create(engines)
    with pytest.raises(BackendError) as failed:
        backend.prepare(*SIZE)
    assert type(failed.value) is kind
    assert backend.take_notices() == ()


@pytest.mark.parametrize(("words", "kind"), FAILURES)
def test_a_failure_on_the_card_says_what_kind_it_is(
    card: StandingCard, engines: Path, words: str, kind: type[BackendError]
) -> None:
    card.failing = words
    with pytest.raises(BackendError) as failed:
        create(engines).prepare(*SIZE)
    assert type(failed.value) is kind
    assert words.split(" (", maxsplit=1)[0] in str(failed.value)


def test_a_card_that_fails_while_running_fails_that_tile_alone(card: StandingCard, engines: Path) -> None:
    backend = create(engines)
    image = tiles(1)
    np.testing.assert_array_equal(backend.infer(image), formula(image))
    card.failing = "gone"
    with pytest.raises(DeviceLostError, match="unspecified launch failure"):
        backend.infer(image)
    card.failing = ""
    np.testing.assert_array_equal(backend.infer(image), formula(image))


def test_sides_that_are_no_multiple_of_the_stride_are_an_error(card: StandingCard) -> None:
    with pytest.raises(BackendError, match="stride"):
        create(None).prepare(130, 128)


def test_closes_twice_and_is_of_no_use_then(card: StandingCard, engines: Path) -> None:
    backend = create(engines)
    backend.prepare(*SIZE)
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend.infer(tiles(1))


def test_without_a_card_it_says_why(card: StandingCard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert create(None).describe() == "tensorrt fp16", "the control"
    monkeypatch.setattr(card.torch.cuda, "device_count", lambda: 0)
    with pytest.raises(BackendUnavailableError, match="no NVIDIA card number 0"):
        create(None)

    def init() -> None:
        raise RuntimeError("Found no NVIDIA driver on your system.")

    monkeypatch.setattr(card.torch.cuda, "init", init)
    with pytest.raises(BackendUnavailableError, match="Found no NVIDIA driver"):
        create(None)
    monkeypatch.setattr(card.torch.version, "cuda", None)
    with pytest.raises(BackendUnavailableError, match="without CUDA"):
        create(None)


@pytest.mark.parametrize(
    ("missing", "words"), [("torch", "needs torch"), ("tensorrt_rtx", "TensorRT for RTX is not")]
)
def test_without_its_packages_it_says_what_to_install(
    card: StandingCard, monkeypatch: pytest.MonkeyPatch, missing: str, words: str
) -> None:
    create(None)
    for name in (missing, "tensorrt"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(BackendUnavailableError, match=rf"{words}.*pip install 'crystal-monitor\[rtx\]'"):
        create(None)


def test_other_precisions(card: StandingCard) -> None:
    assert create_backend("tensorrt", load_card(), precision="f32").describe() == "tensorrt fp32"
    with pytest.raises(BackendUnavailableError, match="bf16"):
        create_backend("tensorrt", load_card(), precision="bf16")


@pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="this machine has a card")  # noqa: PTH110
def test_without_a_driver_the_real_one_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(
        BackendUnavailableError, match=r"No NVIDIA card can be used here.*driver|without CUDA"
    ):
        create_backend("tensorrt", load_card())
