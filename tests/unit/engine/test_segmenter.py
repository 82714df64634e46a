from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import Segmenter
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
