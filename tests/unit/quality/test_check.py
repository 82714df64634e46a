"""Quality control on drawn and on real images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.clock import Instant
from monitor.frame import Frame, TimeSource
from monitor.quality import QualityState, check
from monitor.records import FrameStatus, RejectReason
from monitor.settings.quality import QualitySettings

SETTINGS = QualitySettings()


def frame_of(
    image: NDArray[np.uint8] | NDArray[np.uint16], source: TimeSource = TimeSource.INTERVAL
) -> Frame:
    return Frame(
        image=np.ascontiguousarray(image),
        session="0" * 32,
        frame_index=0,
        captured=Instant(0),
        time_source=source,
    )


def scene(height: int = 240, width: int = 320, seed: int = 1) -> NDArray[np.uint8]:
    """Grey background, thirty dark discs, a little noise."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width), 120, np.uint8)
    for _ in range(30):
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.circle(image, centre, int(rng.integers(4, 14)), 60, -1)
    return np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def test_a_good_image_passes_with_its_figures() -> None:
    _, quality = check(QualityState(), frame_of(scene()), SETTINGS)
    assert quality.status is FrameStatus.OK
    assert quality.light == pytest.approx(scene().mean() / 255, abs=1e-6)
    assert quality.focus is not None
    assert quality.shift_x_px is None


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((64, 64), np.uint8), RejectReason.DARK),
        (np.zeros((64, 64), np.uint16), RejectReason.DARK),
        (np.zeros((64, 64, 3), np.uint8), RejectReason.DARK),
        (np.full((64, 64), 255, np.uint8), RejectReason.SATURATED),
        (np.full((64, 64), 4095, np.uint16), RejectReason.SATURATED),
        (np.full((64, 64), 128, np.uint8), RejectReason.UNSHARP),
    ],
)
def test_useless_images_are_rejected(image: NDArray[np.uint8], reason: RejectReason) -> None:
    _, quality = check(QualityState(), frame_of(image), SETTINGS)
    assert (quality.status, quality.reason) == (FrameStatus.REJECTED, reason)
    assert quality.detail


def test_twelve_bits_in_sixteen_are_not_dark() -> None:
    image = scene().astype(np.uint16) * 16
    _, quality = check(QualityState(), frame_of(image), SETTINGS)
    assert quality.status is FrameStatus.OK
    assert quality.light == pytest.approx(scene().mean() / 256, rel=0.01)


def test_blur_lowers_focus_and_the_limit_rejects_it() -> None:
    blurred = cv2.GaussianBlur(scene(), (0, 0), 4).astype(np.uint8)
    _, sharp = check(QualityState(), frame_of(scene()), SETTINGS)
    _, soft = check(QualityState(), frame_of(blurred), SETTINGS)
    assert sharp.focus is not None
    assert soft.focus is not None
    assert soft.focus < sharp.focus / 5
    assert soft.status is FrameStatus.OK
    limit = QualitySettings(focus_below=(soft.focus + sharp.focus) / 2)
    assert check(QualityState(), frame_of(scene()), limit)[1].status is FrameStatus.OK
    assert check(QualityState(), frame_of(blurred), limit)[1].reason is RejectReason.UNSHARP


def test_another_size_is_rejected_and_the_first_size_goes_on() -> None:
    state, _ = check(QualityState(), frame_of(scene()), SETTINGS)
    state, quality = check(state, frame_of(scene(120, 160)), SETTINGS)
    assert quality.reason is RejectReason.SIZE_CHANGED
    assert "160×120" in quality.detail
    assert "320×240" in quality.detail
    assert check(state, frame_of(scene()), SETTINGS)[1].status is FrameStatus.OK


def test_a_live_camera_that_repeats_itself_is_frozen_a_folder_is_not() -> None:
    for source, expected in ((TimeSource.CAMERA, RejectReason.FROZEN), (TimeSource.FILE_NAME, None)):
        state = QualityState()
        reasons = []
        for _ in range(SETTINGS.frozen_after + 1):
            state, quality = check(state, frame_of(scene(), source), SETTINGS)
            reasons.append(quality.reason)
        assert reasons[:-1] == [None] * SETTINGS.frozen_after
        assert reasons[-1] is expected
    thawed = check(state, frame_of(scene(seed=2), TimeSource.CAMERA), SETTINGS)[1]
    assert thawed.status is FrameStatus.OK


@pytest.mark.parametrize(("right", "down"), [(0, 0), (7, 0), (0, -5), (-12, 9)])
def test_drift_is_measured_in_pixels_of_the_frame(right: int, down: int) -> None:
    large = scene(600, 800)
    state, _ = check(QualityState(), frame_of(large[50:550, 50:750]), SETTINGS)
    moved = large[50 - down : 550 - down, 50 - right : 750 - right]
    _, quality = check(state, frame_of(moved), SETTINGS)
    assert quality.shift_x_px == pytest.approx(right, abs=0.5)
    assert quality.shift_y_px == pytest.approx(down, abs=0.5)


def test_unrelated_images_have_no_drift() -> None:
    state, _ = check(QualityState(), frame_of(scene(seed=1)), SETTINGS)
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 255, (240, 320)).astype(np.uint8)
    _, quality = check(state, frame_of(noise), SETTINGS)
    assert quality.shift_x_px is None


def test_no_real_image_is_rejected(shared_data: Path) -> None:
    for folder in ("film-growth/frames", "ice-coarsening/frames", "suspension/frames", "drops"):
        files = sorted((shared_data / folder).glob("*.*g"))[::3]
        assert files, folder
        for file in files:
            image = np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), np.uint8)
            _, quality = check(QualityState(), frame_of(image), SETTINGS)
            assert quality.status is FrameStatus.OK, (file.name, quality.detail)
