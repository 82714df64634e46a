"""What counts as a change of a tile: growth and births do, noise, light and vibration do not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.preprocess import preprocess
from engine.tile_comparison import TileReference, Tolerances, Verdict, halved

SIDE_PX = 512
NOISE = 2.8
LIMITS = Tolerances()
FINE = 8
"""Discs are drawn this much finer, so that their edges lie where they should."""

Float = np.ndarray


def scene(extra_px: float = 0.0, *, shift_px: tuple[float, float] = (0, 0), newborn: bool = False) -> Float:
    """Dark-rimmed discs on bright ground, grey levels float (H, W); all radii larger by `extra_px`."""
    rng = np.random.default_rng(5)
    image = np.full((SIDE_PX, SIDE_PX), 160.0, np.float32)
    for _ in range(12):
        x, y = rng.uniform(60, SIDE_PX - 60, 2) + np.array(shift_px)
        radius = rng.uniform(8, 25) + extra_px
        image -= 60 * disc(x, y, radius) - 40 * disc(x, y, radius - 3)
    if newborn:
        image -= 40 * disc(300.3 + shift_px[0], 40.6 + shift_px[1], np.sqrt(12 / np.pi))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.float32)


def disc(x: float, y: float, radius: float) -> Float:
    """Coverage of each pixel by a disc."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX]
    return np.asarray(np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1), np.float32)


def camera(image: Float, seed: int, noise: float = NOISE) -> Float:
    """Noise and digits, then what the network sees."""
    noisy = image + np.random.default_rng(seed).normal(0, noise, image.shape)
    return preprocess(noisy.clip(0, 255).round().astype(np.uint8))


def probability() -> Float:
    """What the network would say of `scene()`."""
    rng = np.random.default_rng(5)
    crystal = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for _ in range(12):
        x, y = rng.uniform(60, SIDE_PX - 60, 2)
        np.maximum(crystal, disc(x, y, rng.uniform(8, 25)), out=crystal)
    return crystal


@pytest.fixture(scope="module")
def reference() -> TileReference:
    return TileReference(camera(scene(), 0), probability())


def compare(reference: TileReference, image: Float, seed: int = 1, noise: float = NOISE) -> Verdict:
    return reference.compare(halved(camera(image, seed, noise)), LIMITS)


@pytest.mark.parametrize("seed", range(1, 9))
def test_noise_is_no_change(reference: TileReference, seed: int) -> None:
    assert compare(reference, scene(), seed).why == ""


@pytest.mark.parametrize("shift", [(0.1, 0.0), (0.25, -0.2), (-0.4, 0.3)])
def test_vibration_is_no_change_and_its_shift_is_told(
    reference: TileReference, shift: tuple[float, float]
) -> None:
    verdict = compare(reference, scene(shift_px=shift))
    assert verdict.why == ""
    assert verdict.shift_px == pytest.approx(np.hypot(*shift), abs=0.03)


def test_a_jump_of_the_view_is_a_change(reference: TileReference) -> None:
    assert compare(reference, scene(shift_px=(0.9, 0.0))).changed


@pytest.mark.parametrize(("gain", "offset"), [(1.05, 0), (0.95, 0), (1, 6), (1, -6), (1.03, -8)])
def test_light_is_no_change(reference: TileReference, gain: float, offset: float) -> None:
    slope = np.linspace(0, 3, SIDE_PX, dtype=np.float32)
    assert compare(reference, scene() * gain + offset + slope).why == ""


def test_a_little_defocus_is_no_change_and_more_is(reference: TileReference) -> None:
    softer = [np.asarray(cv2.GaussianBlur(scene(), (0, 0), blur_px), np.float32) for blur_px in (0.4, 1.0)]
    assert compare(reference, softer[0]).why == ""
    assert compare(reference, softer[1]).why == "focus"


def test_growth_by_a_quarter_of_a_pixel_is_a_change(reference: TileReference) -> None:
    verdict = compare(reference, scene(0.25))
    assert verdict.changed
    assert verdict.front_px == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("extra", [0.05, -0.05])
def test_an_advance_or_retreat_by_a_twentieth_of_a_pixel_is_measured(
    reference: TileReference, extra: float
) -> None:
    verdict = compare(reference, scene(extra))
    assert verdict.why == "front"
    assert verdict.front_px == pytest.approx(extra, abs=0.015)


def test_growth_shows_through_vibration(reference: TileReference) -> None:
    assert compare(reference, scene(0.1, shift_px=(0.2, 0.15))).changed


def test_a_crystal_of_the_detection_limit_is_a_change_and_its_block_is_told(reference: TileReference) -> None:
    verdict = compare(reference, scene(newborn=True))
    assert verdict.why == "spot"
    assert verdict.blocks[1, 9]
    assert verdict.blocks.sum() <= 4


def test_more_noise_hides_only_what_it_must(reference: TileReference) -> None:
    noisy = TileReference(camera(scene(), 0, 8.0), probability())
    assert compare(noisy, scene(), 1, 8.0).why == ""
    assert compare(noisy, scene(0.1), 1, 8.0).changed


def test_an_empty_tile_compares_with_an_empty_tile() -> None:
    empty = np.full((SIDE_PX, SIDE_PX), 160.0, np.float32)
    reference = TileReference(camera(empty, 0), np.zeros_like(empty))
    assert not compare(reference, empty).changed
    assert compare(reference, scene()).changed


def test_a_constant_image_compares_with_itself() -> None:
    flat = np.zeros((64, 48), np.float32)
    reference = TileReference(flat, flat)
    assert not reference.compare(halved(flat), LIMITS).changed
