"""The parity gate: what it lets pass, what it does not, and that it says why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import EngineError, ModelCard, WeightsMismatchError, load_card
from engine.backends import SegmentationBackend, create_backend
from engine.card import sha256_of
from engine.errors import CardError, ParityError
from engine.parity import ParityFrames, ParityGate, ParityLimits, compare

Array = np.ndarray


class Perturbed:
    """A real back end whose probabilities are changed on their way out."""

    def __init__(
        self, backend: SegmentationBackend, *, logit_shift: float = 0.0, contact_shift: float = 0.0
    ) -> None:
        self.backend = backend
        self.logit_shift = logit_shift
        self.contact_shift = contact_shift
        self.frames = 0

    def describe(self) -> str:
        return self.backend.describe()

    def prepare(self, height: int, width: int) -> None:
        self.backend.prepare(height, width)

    def infer(self, image_BCHW: Array) -> Array:
        self.frames += len(image_BCHW)
        p = self.backend.infer(image_BCHW).astype(np.float64).clip(1e-7, 1 - 1e-7)
        shift = np.array([self.logit_shift, self.contact_shift]).reshape(1, 2, 1, 1)
        return (1 / (1 + (1 - p) / p * np.exp(-shift))).astype(np.float32)

    def take_notices(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        self.backend.close()


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> SegmentationBackend:
    """The station's own back end: bf16 where the processor has it."""
    return create_backend("openvino", load_card(), threads=1, cache=tmp_path_factory.mktemp("cache"))


def test_the_shipped_frames_are_worth_the_name() -> None:
    frames = ParityFrames.load(load_card())
    assert {image.dtype for image in frames.images} == {np.dtype(np.uint8), np.dtype(np.uint16)}
    assert len({image.shape for image in frames.images}) == 1, "one graph is compiled for all"
    assert frames.images[0].shape[0] != frames.images[0].shape[1]
    assert load_card().parity_path.stat().st_size < 2_500_000


def test_the_shipped_back_end_passes(fast: SegmentationBackend) -> None:
    figures = ParityGate(load_card()).check(fast)
    assert figures.crystals >= 200, "a 99th percentile of fewer says little"
    assert figures.mask_iou >= 0.995
    assert abs(figures.area_bias) <= 0.001
    assert figures.area_difference_p99 <= 0.01


@pytest.mark.parametrize("shift", [0.3, -0.3, 0.1])
def test_a_shift_of_the_logit_does_not_pass(fast: SegmentationBackend, shift: float) -> None:
    with pytest.raises(ParityError, match=r"area bias .*limit 0\.001"):
        ParityGate(load_card()).check(Perturbed(fast, logit_shift=shift))


def test_contacts_count_too(fast: SegmentationBackend) -> None:
    """The masks agree to the last pixel, but crystals that touch are no longer parted."""
    with pytest.raises(ParityError, match=r"does not compute.*bodies found") as caught:
        ParityGate(load_card()).check(Perturbed(fast, contact_shift=-4.0))
    assert "mask IoU" not in str(caught.value)


def test_weights_rounded_to_six_bits_do_not_pass(tmp_path: Path) -> None:
    card = load_card()
    rounded = with_rounded_weights(card, tmp_path, bits=6)
    with pytest.raises(ParityError, match="does not compute what the reference computes"):
        ParityGate(card).check(create_backend("openvino", rounded, threads=1, precision="f32"))


def test_weights_rounded_to_sixteen_bits_pass(tmp_path: Path) -> None:
    """The control: it is the rounding that fails, not the rewriting of the file."""
    card = load_card()
    rounded = with_rounded_weights(card, tmp_path, bits=16)
    assert rounded.onnx_sha256 != card.onnx_sha256
    ParityGate(card).check(create_backend("openvino", rounded, threads=1, precision="f32"))


def with_rounded_weights(card: ModelCard, folder: Path, bits: int) -> ModelCard:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(card.onnx_path)
    for constant in model.graph.initializer:
        values = onnx.numpy_helper.to_array(constant)
        if values.dtype == np.float16 and values.ndim == 4:
            step = float(np.abs(values).max()) / 2 ** (bits - 1)
            rounded = (np.rint(values.astype(np.float64) / step) * step).astype(np.float16)
            constant.CopyFrom(onnx.numpy_helper.from_array(rounded, constant.name))
    onnx.save(model, folder / "rounded.onnx")
    return replace(card, name="rounded", folder=folder, onnx_sha256=sha256_of(folder / "rounded.onnx"))


class Broken(Perturbed):
    """Gives what is no probability."""

    def __init__(self, backend: SegmentationBackend, spoil: str) -> None:
        super().__init__(backend)
        self.spoil = spoil

    def infer(self, image_BCHW: Array) -> Array:
        found = self.backend.infer(image_BCHW).copy()
        match self.spoil:
            case "nan":
                found[0, 0, 5, 5] = np.nan
            case "above one":
                found[0, 1, 5, 5] = 1.5
            case "shape":
                found = found[:, :1]
            case "dtype":
                found = found.astype(np.float16)
            case "turned":
                found = np.ascontiguousarray(found.transpose(0, 1, 3, 2)).reshape(found.shape)
        return found


@pytest.mark.parametrize("spoil", ["nan", "above one", "shape", "dtype", "turned"])
def test_what_is_no_answer_does_not_pass(fast: SegmentationBackend, spoil: str) -> None:
    ParityGate(load_card()).check(Broken(fast, "nothing"))
    with pytest.raises(ParityError, match="It does not serve"):
        ParityGate(load_card()).check(Broken(fast, spoil))


def test_a_passed_gate_is_remembered_for_this_very_back_end(
    fast: SegmentationBackend, tmp_path: Path
) -> None:
    card = load_card()
    counted = Perturbed(fast)
    gate = ParityGate(card, tmp_path)
    first = gate.check(counted)
    once = counted.frames
    assert once > 0
    assert ParityGate(card, tmp_path).check(counted) == first
    assert counted.frames == once, "a warm start does not pay"
    gate.check(counted, anew=True)
    gate.check(counted, identity="another engine file")
    ParityGate(replace(card, onnx_sha256="0" * 64), tmp_path).check(counted)
    assert counted.frames == 4 * once


def test_a_failure_is_not_remembered_and_a_spoilt_memory_is_none(
    fast: SegmentationBackend, tmp_path: Path
) -> None:
    card = load_card()
    shifted = Perturbed(fast, logit_shift=0.3)
    with pytest.raises(ParityError):
        ParityGate(card, tmp_path).check(shifted)
    ParityGate(card, tmp_path).check(fast)
    (verdict,) = (tmp_path / "parity").glob("*.json")
    assert json.loads(verdict.read_text())["backend"] == fast.describe()
    for junk in ("[]", '{"key": "' + verdict.stem + '", "figures": {"mask_iou": 1}}'):
        verdict.write_text(junk)
        with pytest.raises(ParityError):
            ParityGate(card, tmp_path).check(shifted)


@pytest.mark.parametrize("which", ["file", "folder"])
def test_a_verdict_that_others_could_have_written_is_not_believed(
    which: str, fast: SegmentationBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = load_card()
    counted = Perturbed(fast)
    ParityGate(card, tmp_path).check(counted)
    once = counted.frames
    ParityGate(card, tmp_path).check(counted)
    assert counted.frames == once, "the control: it is believed as it was written"
    (verdict,) = (tmp_path / "parity").glob("*.json")
    path = verdict if which == "file" else verdict.parent
    path.chmod(path.stat().st_mode | 0o022)
    ParityGate(card, tmp_path).check(counted)
    assert counted.frames == 2 * once
    assert "may be written by others" in caplog.text
    assert "engine is code" not in caplog.text


def test_a_precision_may_state_limits_of_its_own(fast: SegmentationBackend) -> None:
    own = {"mask_iou": 0.9, "area_bias": 0.1, "area_difference_p99": 0.1}
    precision = fast.describe().split()[1]
    card = replace(load_card(), parity_limits={precision: own})
    assert ModelCard.from_json(card.to_json(), folder=card.folder, origin="test").parity_limits == {
        precision: own
    }
    ParityGate(card).check(Perturbed(fast, logit_shift=0.3))
    assert replace(card, parity_limits={"int8": own}).parity_limits_of("openvino bf16") == ParityLimits()


@pytest.mark.parametrize("limits", [{"int8": {"mask_iou": 2}}, {"int8": {"iou": 0.9}}, {"int8": 0.9}])
def test_limits_that_are_none_are_refused(limits: object) -> None:
    value = json.loads(load_card().to_json()) | {"parity_limits": limits}
    with pytest.raises(CardError):
        ModelCard.from_json(json.dumps(value), folder=Path(), origin="test")


def test_nothing_passes_without_frames_of_its_own(fast: SegmentationBackend, tmp_path: Path) -> None:
    card = load_card()
    with pytest.raises(CardError, match=r"no parity frames.*python -m train parity"):
        ParityGate(replace(card, parity_sha256="")).check(fast)
    with pytest.raises(WeightsMismatchError, match="were made with the weights"):
        ParityGate(replace(card, safetensors_sha256="0" * 64)).check(fast)
    for junk in (b"", b"junk", card.parity_path.read_bytes()[:5000]):
        (tmp_path / "default.parity.npz").write_bytes(junk)
        with pytest.raises(CardError, match="cannot be read"):
            ParityGate(replace(card, folder=tmp_path)).check(fast)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    card = replace(load_card(), folder=tmp_path)
    np.savez(tmp_path / "default.parity.npz", format=np.array([object()], object))
    with pytest.raises(CardError, match=r"cannot be read.*allow_pickle"):
        ParityFrames.load(card)


def test_frames_survive_the_file(tmp_path: Path) -> None:
    card = replace(load_card(), folder=tmp_path)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 9999, (32, 48)).astype(kind) for kind in (np.uint16, np.uint8, np.uint16)]
    outputs = [rng.random((2, 32, 48), np.float32) for _ in images]
    ParityFrames.of(card, images, outputs).save(card.parity_path)
    before = card.parity_path.read_bytes()
    back = list(ParityFrames.load(card))
    for (image, output), index in zip(back, (1, 0, 2), strict=True):
        np.testing.assert_array_equal(image, images[index])
        assert image.dtype == images[index].dtype
        np.testing.assert_allclose(output, outputs[index], atol=0.5 / 1023 + 1e-6)
    ParityFrames.of(card, images, outputs).save(card.parity_path)
    assert card.parity_path.read_bytes() == before


def test_no_crystals_show_nothing() -> None:
    empty = np.zeros((2, 64, 64), np.float32)
    figures = compare([(empty, empty)], ("crystal", "contact"), load_card().thresholds)
    assert figures.crystals == 0
    assert len(figures.failures(ParityLimits())) == 4


def test_figures_are_those_of_a_known_shift() -> None:
    """A disc whose edge moves out by a quarter of a pixel: the area grows by 2·0.25/r, sub-pixel."""
    row, column = np.mgrid[:128, :128] - 63.7

    def disc(radius: float) -> Array:
        p = np.zeros((2, 128, 128), np.float32)
        p[0] = 1 / (1 + np.exp(2.5 * (np.hypot(row, column) - radius)))
        return p

    figures = compare([(disc(40.0), disc(40.25))], ("crystal", "contact"), load_card().thresholds)
    expected = (40.25 / 40) ** 2 - 1
    assert figures.mask_iou == pytest.approx(1 - expected, abs=0.004)
    assert figures.area_bias == pytest.approx(expected, rel=0.05)
    assert figures.area_difference_p99 == pytest.approx(expected, rel=0.05)
    assert (figures.bodies_found, figures.crystals) == (1, 1)


def test_the_gates_error_is_the_engines() -> None:
    assert issubclass(ParityError, EngineError)
