"""Every figure against another program's, on a field of touching crystals: to 0.1 % where the definition is the same.

scikit-image defines some figures otherwise (whole pixels instead of the sub-pixel edge; its perimeter counts steps from
pixel to pixel; its hull is one of pixels). For these the same definition is worked out anew by OpenCV, scipy or
brute force, and the distance between the two definitions is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, map_coordinates
from scipy.spatial.distance import pdist
from skimage.measure import regionprops_table

from engine.kernels.measuring import OUTLINE, Refining, measure_outlines, survey_regions
from engine.postprocess import postprocess
from engine.threads import two_threads
from engine.thresholds import Thresholds
from monitor.measure import measure
from monitor.measure.image import Found, look
from monitor.measure.outline import (
    HULL_TOLERANCE_PX,
    LEAST_MOVE_PX,
    MOST_MOVE_PX,
    SHORTEST_REFINED,
    offset_px,
)
from monitor.settings.measuring import MeasuringSettings
from tests.benchmarks.dense_scene import dense_scene

SETTINGS = MeasuringSettings()
SAME = 1e-3


@dataclass(frozen=True)
class Field:
    labels_HW: NDArray[np.int32]
    crystal_HW: NDArray[np.float32]

    def ours(self, name: str, *, subpixel: bool = True) -> NDArray[np.float64]:
        probability_HW = self.crystal_HW if subpixel else None
        return np.array(
            [getattr(each, name) for each in measure(self.labels_HW, probability_HW, None, None, SETTINGS)]
        )

    def theirs(self, name: str) -> NDArray[np.float64]:
        return regionprops_table(self.labels_HW, self.crystal_HW, properties=(name,))[name]


@pytest.fixture(scope="module")
def field() -> Field:
    scene = dense_scene(side_px=512, crystals=130, seed=4)
    bodies = postprocess(scene.crystal_HW, scene.contact_HW, Thresholds(contact=0.06))
    field = Field(bodies.labels_HW, scene.crystal_HW)
    assert bodies.labels_HW.max() > 110
    assert field.ours("in_contact").sum() > 80
    assert np.mean(bodies.labels_HW > 0) > 0.35
    return field


@pytest.fixture(scope="module")
def found(field: Field) -> Found:
    found = look(field.labels_HW, field.crystal_HW, SETTINGS.contact_distance_px, two_threads(), summed=False)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("ours", "theirs", "subpixel"),
    [
        ("area_px", "area", False),
        ("equivalent_diameter_px", "equivalent_diameter_area", False),
        ("centroid_x_px", "centroid-1", True),
        ("centroid_y_px", "centroid-0", True),
        ("score", "intensity_mean", True),
    ],
)
def test_same_as_scikit_image(field: Field, ours: str, theirs: str, subpixel: bool) -> None:
    expected = regionprops_table(field.labels_HW, field.crystal_HW, properties=(theirs.partition("-")[0],))[
        theirs
    ]
    np.testing.assert_allclose(field.ours(ours, subpixel=subpixel), expected, rtol=1e-5)


def test_boxes_and_border_are_those_of_scikit_image(field: Field) -> None:
    table = regionprops_table(field.labels_HW, properties=("bbox",))
    top, left, bottom, right = (table[f"bbox-{axis}"] for axis in range(4))
    np.testing.assert_array_equal(
        field.ours("bbox_xywh_px"), np.stack([left, top, right - left, bottom - top], axis=1)
    )
    height, width = field.labels_HW.shape
    border = (top == 0) | (left == 0) | (bottom == height) | (right == width)
    assert border.any()
    np.testing.assert_array_equal(field.ours("touches_border"), border)


def test_area_is_the_sum_of_the_rim_s_probabilities(field: Field) -> None:
    labels_HW, square = np.pad(field.labels_HW, 1), np.ones((3, 3), bool)
    crystal_HW = np.pad(field.crystal_HW, 1)
    seen = np.ones_like(labels_HW, bool)
    seen[1:-1, 1:-1] = False  # no pixel beyond the image counts
    expected = []
    for label, box in enumerate(find_objects(labels_HW), start=1):
        wide = tuple(slice(max(side.start - 2, 0), side.stop + 2) for side in box)
        labels, p, outside = labels_HW[wide], crystal_HW[wide], seen[wide]
        own = labels == label
        ground = (labels == 0) & ~outside
        inner = own & binary_dilation(ground, square)
        outer = ground & binary_dilation(own, square)
        # A background pixel between two crystals gives each a half; between three, the least and largest label.
        share = np.where(binary_dilation((labels > 0) & ~own, square), 0.5, 1.0)
        expected.append((own & ~inner).sum() + p[inner].sum() + (share * p)[outer].sum())
    error = np.abs(field.ours("area_px") / np.array(expected) - 1)
    assert np.median(error) < 1e-6
    assert np.mean(error > SAME) < 0.02  # pixels that see three crystals


def refined_outline(field: Field, label: int) -> NDArray[np.float64]:
    """The outline of a body, (K, 2), (x, y): traced by OpenCV, each pixel moved along its normal onto the edge."""
    own_HW = np.pad(field.labels_HW == label, 1).astype(np.uint8)
    (traced,), _ = cv2.findContours(own_HW, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(-1, -1))
    outline = traced.reshape(-1, 2).astype(float)
    if len(outline) < SHORTEST_REFINED:
        return outline
    along = np.roll(outline, -2, axis=0) - np.roll(outline, 2, axis=0)
    length = np.hypot(*along.T)
    outwards = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(length, 1e-9)[:, None]
    move, free = np.full(len(outline), -0.5), np.ones(len(outline), bool)
    for step in range(
        3
    ):  # as far as the probabilities add up to, less one half; but not into another crystal
        at_yx = (outline + step * outwards).T[::-1]
        there = map_coordinates(field.labels_HW, at_yx, order=0, mode="nearest")
        free &= (there == 0) | (there == label)
        p = map_coordinates(field.crystal_HW.astype(float), at_yx, order=1, mode="grid-constant")
        move += np.where(free, p, 0)
    return outline + np.clip(move, LEAST_MOVE_PX, MOST_MOVE_PX)[:, None] * outwards


def outlines_of(field: Field, hull_tolerance_px: float) -> NDArray[np.void]:
    survey = survey_regions(field.labels_HW, None)
    assert survey is not None
    outlines = np.zeros(len(survey.regions), OUTLINE)
    refining = Refining(LEAST_MOVE_PX, MOST_MOVE_PX, SHORTEST_REFINED, hull_tolerance_px)
    measure_outlines(field.labels_HW, field.crystal_HW, survey, range(len(outlines)), refining, outlines)
    return outlines[1:]


def test_calipers_are_those_of_brute_force_and_opencv(field: Field) -> None:
    for label, ours in enumerate(outlines_of(field, hull_tolerance_px=0.0), start=1):
        outline = refined_outline(field, label)
        single = cv2.convexHull(outline.astype(np.float32))
        hull = single.reshape(-1, 2).astype(float)
        edges = np.roll(hull, -1, axis=0) - hull
        across = np.stack([-edges[:, 1], edges[:, 0]]) / np.hypot(*edges.T)
        _, sides, _ = cv2.minAreaRect(single)
        expected = {
            "area_px": cv2.contourArea(outline.astype(np.float32)),
            "perimeter_px": cv2.arcLength(outline.astype(np.float32), True),
            "feret_max_px": pdist(hull).max(),
            "feret_min_px": np.ptp(hull @ across, axis=0).min(),
            "hull_area_px": cv2.contourArea(single),
            "hull_perimeter_px": cv2.arcLength(single, True),
        }
        for name, value in expected.items():
            assert ours[name] == pytest.approx(value, rel=SAME), name
        assert ours["length_px"] * ours["width_px"] == pytest.approx(sides[0] * sides[1], rel=SAME)
        turned = np.radians(-ours["orientation_deg"])
        along = hull @ np.array([np.cos(turned), np.sin(turned)])
        assert np.ptp(along) == pytest.approx(ours["length_px"], rel=SAME)


def test_hulls_are_thinned_by_no_more_than_the_tolerance(field: Field, found: Found) -> None:
    whole = outlines_of(field, hull_tolerance_px=0.0)
    assert len(whole) == len(found.outlines)
    for name in ("area_px", "perimeter_px", "filled_px", "bodies"):
        np.testing.assert_array_equal(found.outlines[name], whole[name])
    for name, most in (("feret_max_px", 2), ("feret_min_px", 2), ("hull_perimeter_px", 2 * np.pi)):
        cut = whole[name] - found.outlines[name]
        assert cut.max() > 0
        assert cut.min() > -1e-9
        assert cut.max() < most * 1.5 * HULL_TOLERANCE_PX, name


def test_outlines_enclose_the_area_that_is_reported(field: Field, found: Found) -> None:
    area, pixels, outlines = field.ours("area_px"), found.regions["pixels"], found.outlines
    offset = offset_px(outlines, area, pixels)
    holes = np.maximum(outlines["filled_px"] - pixels, 0)
    enclosed = outlines["area_px"] - holes + outlines["perimeter_px"] * offset + np.pi * offset**2
    np.testing.assert_allclose(enclosed, area, rtol=SAME)
    np.testing.assert_allclose(
        field.ours("perimeter_px"), outlines["perimeter_px"] + 2 * np.pi * offset, rtol=SAME
    )


def test_derived_figures_follow_from_the_others(field: Field) -> None:
    area, perimeter = field.ours("area_px"), field.ours("perimeter_px")
    np.testing.assert_allclose(field.ours("equivalent_diameter_px"), 2 * np.sqrt(area / np.pi), rtol=1e-9)
    np.testing.assert_allclose(
        field.ours("circularity"), np.minimum(4 * np.pi * area / perimeter**2, 1), rtol=1e-9
    )
    np.testing.assert_allclose(
        field.ours("aspect_ratio"), field.ours("feret_min_px") / field.ours("feret_max_px"), rtol=1e-9
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "most", "most_median"),
    [
        ("area_px", "area", 0.05, 0.003),
        ("feret_max_px", "feret_diameter_max", 0.10, 0.02),
        ("perimeter_px", "perimeter", 0.15, 0.05),
        ("solidity", "solidity", 0.15, 0.04),
    ],
)
def test_other_definitions_stay_near(
    field: Field, ours: str, theirs: str, most: float, most_median: float
) -> None:
    large = field.ours("equivalent_diameter_px") >= 20
    assert large.sum() > 60
    ratio = field.ours(ours)[large] / field.theirs(theirs)[large] - 1
    assert abs(np.median(ratio)) < most_median
    assert np.abs(ratio).max() < most


def test_columns_are_in_the_record_s_order(field: Field) -> None:
    first = measure(field.labels_HW, field.crystal_HW, {1: 0.25}, 2.0, SETTINGS)[0]
    assert (first.label, first.score) == (1, 0.25)
    assert first.area_um2 == pytest.approx(4 * first.area_px)
    for name in ("equivalent_diameter", "feret_max", "feret_min", "length", "width", "perimeter"):
        assert getattr(first, f"{name}_um") == pytest.approx(2 * getattr(first, f"{name}_px"))
    assert first.feret_max_px >= first.length_px >= first.width_px >= first.feret_min_px - 0.2
