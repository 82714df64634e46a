"""Drawn shapes of known size, as an ideal camera and network show them: each pixel its covered fraction."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.measure import measure
from monitor.records import Habit, Observation
from monitor.settings.measuring import MeasuringSettings

Coordinates = NDArray[np.float64]
Inside = Callable[[Coordinates, Coordinates], NDArray[np.bool_]]

SIDE_PX = 72
SUBPIXELS = 8
SETTINGS = MeasuringSettings()


def cover(inside: Inside) -> NDArray[np.float32]:
    """Fraction of each pixel that a shape covers."""
    grid = (np.arange(SIDE_PX * SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    x, y = np.meshgrid(grid, grid)
    fine = inside(x, y).reshape(SIDE_PX, SUBPIXELS, SIDE_PX, SUBPIXELS)
    return fine.mean(axis=(1, 3)).astype(np.float32)


def turned(
    x: Coordinates, y: Coordinates, angle_deg: float, centre: tuple[float, float]
) -> tuple[Coordinates, Coordinates]:
    angle = math.radians(angle_deg)
    x, y = x - centre[0], centre[1] - y
    return x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)


def ellipse(long: float, short: float, angle_deg: float, centre: tuple[float, float]) -> Inside:
    def inside(x: Coordinates, y: Coordinates) -> NDArray[np.bool_]:
        along, across = turned(x, y, angle_deg, centre)
        return (2 * along / long) ** 2 + (2 * across / short) ** 2 <= 1

    return inside


def rectangle(long: float, short: float, angle_deg: float, centre: tuple[float, float]) -> Inside:
    def inside(x: Coordinates, y: Coordinates) -> NDArray[np.bool_]:
        along, across = turned(x, y, angle_deg, centre)
        return (np.abs(along) <= long / 2) & (np.abs(across) <= short / 2)

    return inside


def hexagon(width: float, angle_deg: float, centre: tuple[float, float]) -> Inside:
    def inside(x: Coordinates, y: Coordinates) -> NDArray[np.bool_]:
        sides = [np.abs(turned(x, y, angle_deg + turn, centre)[0]) <= width / 2 for turn in (0, 60, 120)]
        return np.logical_and.reduce(sides)

    return inside


def seen(inside: Inside, *, with_probability: bool = True, um_per_px: float | None = None) -> Observation:
    cover_HW = cover(inside)
    labels_HW = (cover_HW >= 0.5).astype(np.int32)
    (observation,) = measure(labels_HW, cover_HW if with_probability else None, None, um_per_px, SETTINGS)
    return observation


def placed(rng: np.random.Generator) -> tuple[float, tuple[float, float]]:
    return rng.uniform(0, 180), (rng.uniform(35, 36), rng.uniform(35, 36))


def ellipse_perimeter(long: float, short: float) -> float:
    h = ((long - short) / (long + short)) ** 2
    return math.pi * (long + short) / 2 * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))


@pytest.mark.parametrize("diameter", [20, 28, 45, 60])
def test_area_of_discs_is_unbiased(diameter: float) -> None:
    rng = np.random.default_rng(1)
    true = math.pi * diameter**2 / 4
    errors = [seen(ellipse(diameter, diameter, *placed(rng))).area_px / true - 1 for _ in range(8)]
    assert abs(np.mean(errors)) < 0.001
    assert max(np.abs(errors)) < 0.005


def test_probabilities_beat_the_count_of_pixels() -> None:
    rng = np.random.default_rng(2)
    shapes = [ellipse(20, 20, *placed(rng)) for _ in range(12)]
    true = math.pi * 100
    counted = [seen(shape, with_probability=False).area_px - true for shape in shapes]
    summed = [seen(shape).area_px - true for shape in shapes]
    assert np.std(counted) > 1.0
    assert np.std(summed) < 0.1 * np.std(counted)


def test_growth_by_a_twentieth_of_a_pixel_is_seen() -> None:
    diameters = [30 + 0.05 * step for step in range(10)]
    areas = [seen(ellipse(each, each, 0, (35.3, 35.6))).area_px for each in diameters]
    assert np.all(np.diff(areas) > 0)
    slope = np.polyfit(diameters, np.sqrt(np.array(areas) * 4 / math.pi), 1)[0]
    assert slope == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("name", "shape", "feret_max", "feret_min", "perimeter", "solidity"),
    [
        ("disc", lambda a, c: ellipse(30, 30, a, c), 30, 30, 30 * math.pi, 1.0),
        ("ellipse", lambda a, c: ellipse(44, 20, a, c), 44, 20, ellipse_perimeter(44, 20), 1.0),
        ("square", lambda a, c: rectangle(30, 30, a, c), 30 * math.sqrt(2), 30, 120, 1.0),
        ("rectangle", lambda a, c: rectangle(40, 16, a, c), math.hypot(40, 16), 16, 112, 1.0),
        ("needle", lambda a, c: rectangle(50, 6, a, c), math.hypot(50, 6), 6, 112, 1.0),
    ],
)
def test_lengths_of_turned_shapes(
    name: str,
    shape: Callable[[float, tuple[float, float]], Inside],
    feret_max: float,
    feret_min: float,
    perimeter: float,
    solidity: float,
) -> None:
    rng = np.random.default_rng(3)
    for _ in range(6):
        one = seen(shape(*placed(rng)))
        assert one.feret_max_px == pytest.approx(feret_max, rel=0.03), name
        assert one.feret_min_px == pytest.approx(feret_min, rel=0.02, abs=0.15), name
        assert one.perimeter_px == pytest.approx(perimeter, rel=0.025), name
        assert one.solidity == pytest.approx(solidity, abs=0.02), name
        assert one.aspect_ratio == pytest.approx(one.feret_min_px / one.feret_max_px)
        assert one.circularity == pytest.approx(
            min(1, 4 * math.pi * one.area_px / one.perimeter_px**2), abs=1e-9
        )


@pytest.mark.parametrize("angle", [0, 10, 45, 80, 90, 120, 175])
def test_orientation_is_anticlockwise_as_seen(angle: float) -> None:
    one = seen(rectangle(44, 12, angle, (35.4, 35.2)))
    assert 0 <= one.orientation_deg < 180
    assert abs((one.orientation_deg - angle + 90) % 180 - 90) < 1
    assert one.length_px == pytest.approx(44, abs=0.8)
    assert one.width_px == pytest.approx(12, abs=0.4)


def test_micrometres_come_with_a_calibration_only() -> None:
    plain = seen(ellipse(30, 20, 20, (35, 35)))
    assert (plain.area_um2, plain.feret_max_um, plain.perimeter_um) == (None, None, None)
    scaled = seen(ellipse(30, 20, 20, (35, 35)), um_per_px=0.5)
    assert scaled.area_um2 == pytest.approx(plain.area_px * 0.25)
    for name in ("equivalent_diameter", "feret_max", "feret_min", "length", "width", "perimeter"):
        assert getattr(scaled, f"{name}_um") == pytest.approx(0.5 * getattr(plain, f"{name}_px"))
        assert getattr(scaled, f"{name}_px") == getattr(plain, f"{name}_px")


@pytest.mark.parametrize(
    ("shape", "habit"),
    [
        (ellipse(36, 36, 0, (35.3, 35.1)), Habit.ROUNDED),
        (ellipse(50, 30, 30, (35.3, 35.1)), Habit.ROUNDED),
        (rectangle(36, 34, 20, (35.3, 35.1)), Habit.PLATE),
        (hexagon(44, 13, (35.3, 35.1)), Habit.PLATE),
        (rectangle(50, 20, 70, (35.3, 35.1)), Habit.PRISM),
        (rectangle(60, 6, 40, (35.3, 35.1)), Habit.NEEDLE),
        (ellipse(8, 8, 0, (35.3, 35.1)), Habit.UNKNOWN),
        (rectangle(60, 30, 0, (4.0, 35.1)), Habit.UNKNOWN),
    ],
)
def test_habit_from_shape(shape: Inside, habit: Habit) -> None:
    assert seen(shape).habit is habit


def test_a_star_of_needles_is_an_aggregate() -> None:
    arms = [rectangle(60, 6, angle, (35.2, 35.7)) for angle in (0, 60, 120)]
    star = seen(lambda x, y: np.logical_or.reduce([arm(x, y) for arm in arms]))
    assert star.habit is Habit.AGGREGATE
    assert star.solidity < 0.7


@pytest.mark.parametrize(
    "pixels", [[(5, 5)], [(5, 5), (5, 6)], [(5, 5), (6, 6)], [(5, 5), (5, 6), (6, 5), (6, 6)]]
)
def test_a_few_pixels_give_finite_figures(pixels: list[tuple[int, int]]) -> None:
    labels_HW = np.zeros((12, 12), np.int32)
    labels_HW[tuple(np.array(pixels).T)] = 7
    (one,) = measure(labels_HW, None, None, 1.0, SETTINGS)
    assert one.area_px == len(pixels)
    for name in one.__slots__:
        value = getattr(one, name)
        if isinstance(value, float):
            assert math.isfinite(value), name
    assert 0 < one.aspect_ratio <= 1
    assert 0 < one.solidity <= 1
    assert one.feret_max_px >= one.feret_min_px > 0


def test_a_hole_is_not_area_and_a_label_may_have_two_bodies() -> None:
    labels_HW = np.zeros((60, 60), np.int32)
    cv2.circle(labels_HW, (20, 20), 12, 1, -1)
    whole = measure(labels_HW, None, None, None, SETTINGS)[0]
    cv2.circle(labels_HW, (20, 20), 4, 0, -1)
    holed = measure(labels_HW, None, None, None, SETTINGS)[0]
    assert holed.area_px == whole.area_px - 49
    assert holed.feret_max_px == pytest.approx(whole.feret_max_px, abs=0.1)
    labels_HW[45:50, 45:50] = 1
    two = measure(labels_HW, None, None, None, SETTINGS)[0]
    assert two.area_px == holed.area_px + 25
    assert two.feret_max_px > 40
    assert two.solidity < 0.6
