from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import ChangeGate, Segmenter
from engine.errors import ImageRefusedError


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segmenter]:
    segmenter = Segmenter(threads=1, cache=tmp_path_factory.mktemp("cache"))
    yield segmenter
    segmenter.close()


def discs(height: int, width: int, *centres_and_radii: tuple[int, int, int]) -> np.ndarray:
    """Dark discs with a darker rim on bright, slightly noisy ground: crystals as bright field shows them."""
    image = np.full((height, width), 170, np.uint8)
    for x, y, radius in centres_and_radii:
        cv2.circle(image, (x, y), radius, 110, -1, cv2.LINE_AA)
        cv2.circle(image, (x, y), radius, 60, 3, cv2.LINE_AA)
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def test_finds_crystals_and_tells_all_about_it(segmenter: Segmenter) -> None:
    found = segmenter.segment(discs(200, 260, (60, 100, 30), (180, 100, 40)))
    assert found.labels_HW.shape == found.probability_HW.shape == (200, 260)
    assert found.labels_HW.dtype == np.int32
    assert found.probability_HW.dtype == np.float32
    left, right = found.labels_HW[100, 60], found.labels_HW[100, 180]
    assert left != right
    assert min(left, right) > 0
    area = (found.labels_HW == right).sum()
    assert area == pytest.approx(np.pi * 41.5**2, rel=0.15)
    assert set(found.scores) == set(range(1, found.labels_HW.max() + 1))
    assert all(0.5 < score <= 1 for score in found.scores.values())
    assert found.backend == segmenter.describe
    assert set(found.timings_s) == {"preprocess", "network", "postprocess"}
    assert all(seconds > 0 for seconds in found.timings_s.values())


def test_empty_field_has_no_crystals(segmenter: Segmenter) -> None:
    found = segmenter.segment(discs(200, 260))
    assert found.labels_HW.max() == 0
    assert found.scores == {}


def test_constant_image_has_no_crystals(segmenter: Segmenter) -> None:
    found = segmenter.segment(np.full((128, 160), 90, np.uint8))
    assert np.isfinite(found.probability_HW).all()
    assert found.labels_HW.max() == 0


def test_results_are_the_callers_to_keep(segmenter: Segmenter) -> None:
    first = segmenter.segment(discs(200, 260, (60, 100, 30)))
    labels, probability = first.labels_HW.copy(), first.probability_HW.copy()
    second = segmenter.segment(discs(200, 260, (180, 100, 40)))
    assert not np.array_equal(second.probability_HW, probability)
    np.testing.assert_array_equal(first.labels_HW, labels)
    np.testing.assert_array_equal(first.probability_HW, probability)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (131, 129), (40, 900)])
def test_odd_small_and_long_frames(segmenter: Segmenter, shape: tuple[int, int]) -> None:
    image = discs(*shape, (shape[1] // 2, shape[0] // 2, min(shape) // 3))
    found = segmenter.segment(image)
    assert found.labels_HW.shape == found.probability_HW.shape == shape
    assert np.isfinite(found.probability_HW).all()


def test_16_bit_and_colour_are_as_8_bit_grey(segmenter: Segmenter) -> None:
    image = discs(200, 260, (60, 100, 30), (180, 100, 40))
    grey = segmenter.segment(image)
    assert grey.labels_HW.max() >= 2
    for other in (image.astype(np.uint16) * 257, np.repeat(image[:, :, None], 3, 2)):
        found = segmenter.segment(other)
        assert np.abs(found.probability_HW - grey.probability_HW).max() < 0.05
        assert ((found.labels_HW > 0) != (grey.labels_HW > 0)).mean() < 0.001


def test_crystal_across_a_seam_is_one_crystal(tmp_path: Path) -> None:
    from engine import segmenter as module  # the plan is what is made smaller here
    from engine.tiling import plan

    image = discs(256, 640, (320, 128, 60), (60, 128, 35))
    whole = Segmenter(threads=1, cache=tmp_path)
    tiled = Segmenter(threads=1, cache=tmp_path)

    def in_tiles(height: int, width: int) -> tuple[module.Axis, module.Axis]:
        return plan(height, width, tile=384, overlap=128, stride=16, whole_area=1)

    tiled._plan = in_tiles  # type: ignore[method-assign]
    assert len(tiled._plan(256, 640)[1].starts) == 2
    expected, found = whole.segment(image), tiled.segment(image)
    inside = found.labels_HW[90:166, 280:360]
    assert inside.min() == inside.max() > 0
    label = found.labels_HW[128, 320]
    area = (found.labels_HW == label).sum()
    assert area == pytest.approx((expected.labels_HW == expected.labels_HW[128, 320]).sum(), rel=0.05)


def test_float_image_is_refused(segmenter: Segmenter) -> None:
    with pytest.raises(ImageRefusedError, match="float64"):
        segmenter.segment(np.zeros((128, 128)))


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segmenter]:
    segmenter = Segmenter(threads=1, cache=tmp_path_factory.mktemp("cache"), gate=ChangeGate(tile_px=256))
    yield segmenter
    segmenter.close()


def noisy(image: np.ndarray, seed: int) -> np.ndarray:
    return (image + np.random.default_rng(seed).normal(0, 2, image.shape)).clip(0, 255).astype(np.uint8)


STILL = ((60, 60, 30), (150, 60, 35), (60, 150, 32))


def test_a_gated_stream_infers_what_changed_and_keeps_the_rest(gated: Segmenter) -> None:
    still, grown = discs(300, 400, *STILL), discs(300, 400, *STILL, (340, 240, 12))
    first = gated.segment(noisy(still, 1), at_s=0.0)
    assert first.tiles == 4
    assert first.kept_xywh_px == ()
    second = gated.segment(noisy(still, 2), at_s=1.0)
    assert second.labels_HW is first.labels_HW
    assert second.probability_HW is first.probability_HW
    assert len(second.kept_xywh_px) == second.tiles
    assert (second.inferred_since_s, second.backend) == (0.0, first.backend)
    third = gated.segment(noisy(grown, 3), at_s=2.0)
    assert len(third.kept_xywh_px) == 3
    assert (first.labels_HW.max(), third.labels_HW.max()) == (3, 4)
    assert third.inferred_since_s == 0.0


def test_streams_do_not_mix_and_images_without_a_moment_are_inferred_whole(gated: Segmenter) -> None:
    still = noisy(discs(300, 400, *STILL), 1)
    gated.segment(still, stream="a", at_s=0.0)
    assert gated.segment(still, stream="b", at_s=1.0).kept_xywh_px == ()
    assert len(gated.segment(still, stream="a", at_s=1.0).kept_xywh_px) == 4
    assert gated.segment(still).kept_xywh_px == ()
    gated.forget("a")
    assert gated.segment(still, stream="a", at_s=2.0).kept_xywh_px == ()
    gated.forget()
    assert gated.segment(still, stream="b", at_s=2.0).kept_xywh_px == ()


def test_streams_that_are_seen_seldom_take_no_memory(gated: Segmenter) -> None:
    still = np.full((300, 300), 120, np.uint8)
    gated.forget()
    for number in range(5):
        gated.segment(still, stream=f"well {number}", at_s=10.0 * number)
    assert set(gated._fields) == set(gated._latest) == {f"well {number}" for number in (1, 2, 3, 4)}
    assert gated.segment(still, stream="well 1", at_s=40.0).kept_xywh_px, "the control: not too old yet"
    assert gated.segment(still, stream="well 0", at_s=40.0).kept_xywh_px == ()
    gated.segment(still, stream="well 0", at_s=1000.0)
    assert set(gated._fields) == set(gated._latest) == {"well 0"}
    gated.forget()


def test_without_a_gate_a_moment_changes_nothing(segmenter: Segmenter) -> None:
    image = discs(200, 260, (60, 100, 30))
    for at_s in (0.0, 1.0):
        found = segmenter.segment(image, at_s=at_s)
        assert found.kept_xywh_px == ()
        assert found.inferred_since_s is None
