"""What the kernels are given: the extremes are measured, what is wrong is refused by type."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest

from engine.errors import EngineError
from engine.kernels import measuring, parting
from engine.kernels.arrays import KernelInputError, address, contiguous
from engine.kernels.workspace import scratch, with_room
from engine.postprocess import postprocess
from engine.thresholds import Thresholds
from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings

LIMITS = Thresholds(contact=0.5, seed_area_px=1, minimal_area_px=1, minimal_score=0)
SETTINGS = MeasuringSettings()


def bodies(crystal: np.ndarray, contact: np.ndarray | None = None, limits: Thresholds = LIMITS) -> np.ndarray:
    return postprocess(crystal, np.zeros_like(crystal) if contact is None else contact, limits).labels_HW


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_an_image_without_pixels_has_no_crystals(shape: tuple[int, int]) -> None:
    empty = np.zeros(shape, np.float32)
    assert postprocess(empty, empty, LIMITS).scores == {}
    assert measure(np.zeros(shape, np.int32), empty, None, None, SETTINGS) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 4000), (4000, 1), (2, 2), (3, 17)])
def test_small_and_slender_images_are_one_body(shape: tuple[int, int]) -> None:
    full = np.full(shape, 0.9, np.float32)
    labels = bodies(full)
    assert (labels == 1).all()
    (one,) = measure(labels, full, None, None, SETTINGS)
    assert one.area_px == full.size
    assert one.bbox_xywh_px == (0, 0, shape[1], shape[0])
    assert one.touches_border
    assert one.score == pytest.approx(0.9)
    assert one.feret_max_px >= max(shape) - 1


def test_one_pixel_touching_each_corner() -> None:
    crystal = np.zeros((5, 7), np.float32)
    crystal[[0, 0, -1, -1, 2], [0, -1, 0, -1, 3]] = 1
    labels = bodies(crystal)
    assert labels.max() == 5
    found = measure(labels, crystal, None, 2.0, SETTINGS)
    assert [each.area_px for each in found] == [1] * 5
    assert [each.touches_border for each in found] == [True, True, False, True, True]


def test_every_other_pixel_is_a_body_of_its_own_beyond_sixteen_bits() -> None:
    labels = np.zeros((600, 600), np.int32)
    labels[::2, ::2] = np.arange(1, 90_001).reshape(300, 300)
    crystal = (labels > 0).astype(np.float32)
    np.testing.assert_array_equal(bodies(crystal), labels)
    found = measure(labels, None, None, None, SETTINGS)
    assert len(found) == 90_000
    assert found[-1].label == 90_000
    assert found[-1].contact_labels == (89_699, 89_700, 89_999)


def test_labels_with_gaps_keep_their_numbers() -> None:
    labels = np.zeros((30, 40), np.int32)
    labels[2:12, 3:13] = 2_000_000_000
    labels[2:12, 14:24] = 70_000
    found = measure(labels, None, None, None, SETTINGS)
    assert [each.label for each in found] == [70_000, 2_000_000_000]
    assert [each.contact_labels for each in found] == [(2_000_000_000,), (70_000,)]
    whole = measure(np.full((4, 5), 9_000_000, np.int32), None, None, None, SETTINGS)
    assert [(each.label, each.area_px) for each in whole] == [(9_000_000, 20)]


def test_a_checkerboard_of_contacts_is_parted_without_end() -> None:
    contact = (np.indices((257, 300)).sum(axis=0) % 2).astype(np.float32)
    labels = bodies(np.ones_like(contact), contact)
    assert labels.max() == contact.size - contact.sum()
    assert labels.min() > 0  # every pixel has gone to some body


def test_values_that_are_no_numbers_are_background() -> None:
    crystal = np.full((20, 20), np.nan, np.float32)
    crystal[5:15, 5:15] = 1
    assert (bodies(crystal) > 0).sum() == 100
    contact = np.full((20, 20), np.nan, np.float32)
    assert bodies(np.nan_to_num(crystal), contact).max() == 1  # covered by contacts: one seed as it stands


def test_rows_with_gaps_between_them_are_copied() -> None:
    rng = np.random.default_rng(1)
    wide = rng.random((60, 160)).astype(np.float32)
    labels = bodies(wide[:, ::2])
    np.testing.assert_array_equal(labels, bodies(wide[:, ::2].copy()))
    double = np.repeat(labels, 2, axis=1)
    assert measure(double[:, ::2], wide[:, ::2], None, None, SETTINGS) == measure(
        labels, wide[:, ::2].copy(), None, None, SETTINGS
    )
    np.testing.assert_array_equal(bodies(wide.T), bodies(wide.T.copy()))


def test_other_types_and_shapes_are_refused() -> None:
    image = np.zeros((6, 8), np.float32)
    labels = np.zeros((6, 8), np.int32)
    for crystal, contact in (
        (image.astype(np.float64), image),
        (image, image.astype(np.float16)),
        (image, np.zeros((6, 9), np.float32)),
        (np.zeros((6, 8, 1), np.float32), image),
    ):
        with pytest.raises(KernelInputError):
            postprocess(crystal, contact, LIMITS)
    for wrong, probability in (
        (labels.astype(np.int64), image),
        (labels.astype(np.uint16), image),
        (labels, image[:5]),
        (labels, image.astype(np.float64)),
        (np.full((6, 8), -1, np.int32), image),
    ):
        with pytest.raises(KernelInputError):
            measure(wrong, probability, None, None, SETTINGS)
    assert issubclass(KernelInputError, EngineError)


def test_what_a_kernel_is_handed_is_checked_again_at_its_door() -> None:
    image, kinds = np.zeros((6, 8), np.float32), np.zeros((8, 10), np.uint8)
    assert not parting.cut_rows(image, image, range(6), 0.5, 0.5, kinds)
    with pytest.raises(KernelInputError, match="shape"):
        parting.cut_rows(image, image, range(6), 0.5, 0.5, kinds[:, :9])
    with pytest.raises(KernelInputError):
        parting.cut_rows(image, image, range(7), 0.5, 0.5, kinds)
    with pytest.raises(KernelInputError, match="float32"):
        address(np.zeros((6, 8)), np.float32, (6, 8))
    # The second has no more pixels than fit, but its frame has three rows of them.
    for shape in ((1 << 16, 1 << 15), (1, 1 << 29)):
        with pytest.raises(KernelInputError, match="pixels"):
            contiguous("image", np.broadcast_to(np.float32(0), shape), np.float32)
    labels = np.array([[0, 7, 7]], np.int32)
    with pytest.raises(KernelInputError):
        measuring.look_around(labels, None, 3, range(1), np.array([3, 2, 2, 0]))
    beside = np.array([[0, 0, 0], [0, 1, 0], [7, 7, 7]], np.int32)
    for rows in (range(2), range(2, 3)):  # the first row's neighbour below, and the last one's own
        with pytest.raises(KernelInputError):
            measuring.look_around(beside, np.ones_like(beside, np.float32), 1, rows, np.array([1, 0]))
    with pytest.raises(KernelInputError):
        measuring.look_around(beside[::-1].copy(), None, 1, range(1, 3), np.array([1, 0]))


@pytest.mark.parametrize("half_widths", [[], [-1, 0], [2, 0], [5000, 0], [3, 2, 2, -1]])
def test_half_widths_that_are_those_of_no_disc_are_refused(half_widths: list[int]) -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[5:15, 5:15], labels[5:15, 18:25] = 1, 2
    _, pairs = measuring.look_around(labels, None, 2, range(40), np.array([4, 4, 3, 3, 0]))
    assert pairs.tolist() == [(1 << 32) + 2]
    with pytest.raises(KernelInputError, match="disc"):
        measuring.look_around(labels, None, 2, range(40), np.array(half_widths, np.int64))


def test_room_grows_until_it_suffices_and_stays() -> None:
    asked = []

    def kernel(_room: int, size: int) -> int:
        asked.append(size)
        return 5 if size > 40 << 20 else -1

    assert with_room(kernel, 1, 1) == 5
    assert len(asked) > 1
    assert with_room(kernel, 1, 1) == 5
    assert asked[-1] == asked[-2]
    first = scratch("of a test", (3, 4), np.int32)
    first[:] = 7
    assert (scratch("of a test", (2, 5), np.int32) == 7).all()


def test_room_is_given_back_before_more_is_asked_for() -> None:
    asked = []

    def kernel(_room: int, size: int) -> int:
        asked.append(size)
        return 5 if size > 32 << 20 else -1

    peaks = []

    def ask() -> None:  # in a thread of its own, which has no room yet
        tracemalloc.start()
        with_room(kernel, 1, 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        for size in (64 << 20, 128 << 20):
            scratch("of this test", (size,), np.uint8)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert len(asked) > 2
    assert asked[-1] <= peaks[0] < 1.05 * asked[-1]
    assert peaks[1] < 1.05 * (asked[-1] + (128 << 20))
