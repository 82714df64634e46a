from __future__ import annotations

import cv2
import numpy as np
import pytest

from monitor.simulation.body import Body
from monitor.simulation.bright_field import BrightField
from monitor.simulation.habits import HABIT_SHAPES
from monitor.simulation.territory import claim_territory


@pytest.mark.parametrize("habit", sorted(HABIT_SHAPES))
def test_outline_at_radius_one_has_the_area_of_the_unit_circle(habit: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        shape = HABIT_SHAPES[habit](rng)
        outline = shape.outline(4096).astype(np.float32)
        assert cv2.contourArea(outline) == pytest.approx(np.pi, rel=2e-3)
        assert shape.reach == pytest.approx(np.hypot(*outline.T).max(), rel=1e-2)


@pytest.mark.parametrize("habit", sorted(HABIT_SHAPES))
def test_depth_is_the_distance_from_the_outline(habit: str) -> None:
    rng = np.random.default_rng(4)
    shape = HABIT_SHAPES[habit](rng)
    body = Body(1, 128.0, 128.0, shape, 60.0 / shape.reach, factor=1.0)
    field = BrightField([body], claim_territory([body], 256, 256), 0)
    depth = field.layer(np.array([body.radius_px])).depth_HW
    inside = (depth > 0).astype(np.uint8)
    exact = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    near = (depth > 0.5) & (depth < 2.5)
    # the raster's own distance is good to about 0.7 px
    assert np.median(np.abs(exact[near] - depth[near] - 0.2)) < 0.7


def test_needles_are_long_and_discs_are_round() -> None:
    rng = np.random.default_rng(5)
    assert all(HABIT_SHAPES["needle"](rng).reach > 2 for _ in range(10))
    assert HABIT_SHAPES["disc"](rng).reach == pytest.approx(1, rel=1e-3)
