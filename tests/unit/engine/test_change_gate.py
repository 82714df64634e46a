"""The change gate's memory: what is inferred when, what is kept, and that the blend is that of a whole frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.change_gate import ChangeGate, GatedField, GatedInference
from engine.tiling import Axis, infer_tiled, plan

HEIGHT, WIDTH = 700, 900
GATE = ChangeGate(max_age_s=30.0)


class CountingNetwork:
    """Calls dark what lies below the level; counts the tiles, and fails when it is told to."""

    def __init__(self) -> None:
        self.tiles = 0
        self.fail = False

    def infer(self, image_BCHW: np.ndarray) -> np.ndarray:
        self.tiles += 1
        if self.fail:
            raise RuntimeError("out of memory")
        soft = cv2.GaussianBlur(image_BCHW[0, 0], (0, 0), 1.0)
        crystal = 1 / (1 + np.exp(4 * (soft + 1.5)))
        return np.stack([crystal, 0 * crystal])[None].astype(np.float32)


class Station:
    """A gated field with its network, fed with scenes."""

    def __init__(self, gate: ChangeGate = GATE) -> None:
        self.network = CountingNetwork()
        self.field = GatedField(gate, crystal=0)
        self.axes = axes_of(HEIGHT, WIDTH)

    def look(self, image_HW: np.ndarray, at_s: float, backend: str = "made up") -> GatedInference:
        found = self.field.infer(image_HW, at_s, axes_of(*image_HW.shape), backend, self.network.infer)
        count, labels_HW = cv2.connectedComponents((found.probability_CHW[0] > 0.5).astype(np.uint8))
        assert count > 1
        self.field.see(labels_HW.astype(np.int32))
        return found


def axes_of(height: int, width: int) -> tuple[Axis, Axis]:
    return plan(height, width, tile=384, overlap=96, stride=16, whole_area=200_000)


def frame(
    seed: int, *extra: tuple[float, float, float], shape: tuple[int, int] = (HEIGHT, WIDTH)
) -> np.ndarray:
    """Noise, a fixed crystal at (150, 150), and further ones (x, y, radius): a normalised image."""
    image: np.ndarray = np.zeros(shape, np.float32)
    for x, y, radius in ((150.0, 150.0, 20.0), *extra):
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        image -= 4 * np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1).astype(np.float32)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.float32)
    return np.asarray(image + np.random.default_rng(seed).normal(0, 0.15, shape), np.float32)


@pytest.fixture
def station() -> Station:
    return Station()


def test_the_first_frame_is_inferred_whole_and_is_that_of_an_engine_without_a_gate(station: Station) -> None:
    found = station.look(frame(0), 0.0)
    assert station.network.tiles == found.tiles == found.inferred == 9
    assert found.kept_xywh_px == ()
    plain = infer_tiled(frame(0), station.axes, CountingNetwork().infer)
    np.testing.assert_array_equal(np.stack(found.probability_CHW), plain)


def test_an_unchanged_frame_infers_nothing_and_gives_the_same_array(station: Station) -> None:
    first = station.look(frame(0), 0.0)
    second = station.look(frame(1), 1.0)
    assert station.network.tiles == 9
    assert second.inferred == 0
    assert len(second.kept_xywh_px) == 9
    assert second.probability_CHW[0] is first.probability_CHW[0]
    assert second.inferred_since_s == 0.0


def test_a_newborn_crystal_infers_its_tile_alone_and_the_earlier_result_stays_as_it_was(
    station: Station,
) -> None:
    first = station.look(frame(0), 0.0)
    kept_HW = first.probability_CHW[0].copy()
    second = station.look(frame(1, (770.0, 560.0, 8.0)), 1.0)
    assert second.inferred == second.changed == 1
    assert second.probability_CHW[0][560, 770] > 0.9
    np.testing.assert_array_equal(first.probability_CHW[0], kept_HW)
    assert not any(x <= 770 < x + w and y <= 560 < y + h for x, y, w, h in second.kept_xywh_px)


def test_a_partial_blend_is_what_a_whole_one_gives(station: Station) -> None:
    station.look(frame(0), 0.0)
    found = station.look(frame(0, (330.0, 200.0, 12.0)), 1.0)
    assert 0 < found.inferred < found.tiles
    # Where nothing changed the image is the very same, so the kept tiles are what they would be anew.
    plain = infer_tiled(frame(0, (330.0, 200.0, 12.0)), station.axes, CountingNetwork().infer)
    np.testing.assert_array_equal(np.stack(found.probability_CHW), plain)


def test_a_crystal_across_a_seam_that_changes_at_one_end_is_inferred_whole(station: Station) -> None:
    bar = [(x, 350.0, 14.0) for x in range(200, 700, 4)]
    station.look(frame(0, *bar), 0.0)
    found = station.look(frame(1, *bar, (706.0, 350.0, 14.0)), 1.0)
    assert found.changed < found.inferred
    touched = [
        (x, y, w, h)
        for x, y, w, h in found.kept_xywh_px
        if x < 720 and x + w > 186 and y < 364 and y + h > 336
    ]
    assert touched == []


def test_slow_growth_adds_up_until_it_is_seen(station: Station) -> None:
    station.look(frame(0, (600.0, 500.0, 20.0)), 0.0)
    inferred = [
        station.look(frame(n, (600.0, 500.0, 20.0 + 0.01 * n)), n * 1.0).inferred for n in range(1, 13)
    ]
    assert inferred[0] == 0, "a hundredth of a pixel is no change"
    assert sum(inferred) >= 1


def test_no_tile_becomes_older_than_allowed(station: Station) -> None:
    station.look(frame(0), 100.0)
    assert station.look(frame(1), 130.0).inferred == 0
    late = station.look(frame(2), 130.5)
    assert late.inferred == late.tiles
    assert late.inferred_since_s == 130.5


def test_a_frame_of_the_past_is_inferred_whole(station: Station) -> None:
    station.look(frame(0), 100.0)
    assert station.look(frame(1), 99.0).inferred == 9


def test_another_size_another_back_end_or_forgetting_starts_afresh(station: Station) -> None:
    station.look(frame(0), 0.0)
    assert station.look(frame(1), 1.0, backend="another").inferred == 9
    assert station.look(frame(2), 2.0, backend="another").inferred == 0
    small = station.look(frame(3, shape=(400, 420)), 3.0, backend="another")
    assert small.inferred == small.tiles
    station.field.forget()
    assert station.look(frame(4, shape=(400, 420)), 4.0, backend="another").inferred == small.tiles


def test_after_a_failure_the_next_frame_is_inferred_whole(station: Station) -> None:
    station.look(frame(0), 0.0)
    station.network.fail = True
    with pytest.raises(RuntimeError):
        station.look(frame(1, (600.0, 500.0, 20.0)), 1.0)
    station.network.fail = False
    assert station.look(frame(2), 2.0).inferred == 9


def test_a_frame_in_one_piece_is_one_tile() -> None:
    station = Station()
    small = (300, 333)
    first = station.look(frame(0, shape=small), 0.0)
    assert first.tiles == 1
    assert [image.shape for image in first.probability_CHW] == [small, small]
    second = station.look(frame(1, shape=small), 1.0)
    assert second.probability_CHW[0] is first.probability_CHW[0]
    third = station.look(frame(2, (220.0, 90.0, 5.0), shape=small), 2.0)
    assert third.inferred == 1
    assert third.probability_CHW[0] is not first.probability_CHW[0]
