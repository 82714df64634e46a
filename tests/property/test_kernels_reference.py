"""Whatever the network says, the kernels part and measure as numpy, scipy and OpenCV do (`tests/reference`)."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import leaks
from engine.postprocess import postprocess
from engine.thresholds import Thresholds
from monitor.measure import measure
from monitor.records import Observation
from monitor.settings.measuring import MeasuringSettings
from tests.benchmarks.dense_scene import dense_scene
from tests.property.blobs import blobs, thresholds
from tests.reference.measuring.measure import measure as reference_measure
from tests.reference.parting import leaks as reference_leaks
from tests.reference.parting.postprocess import postprocess as reference_postprocess

SAME = 1e-6
HULL_TOLERANCE_PX = 0.1
"""Where two corners of a hull stand out alike, either may be left out."""

sides = st.integers(1, 90)
images = st.tuples(st.integers(0, 10**6), sides, sides, st.floats(0.4, 9), st.floats(0.4, 5))
limits_of = thresholds(small_area_px=st.sampled_from([0, 60]), small_score=st.floats(0, 0.9))


@settings(max_examples=60, deadline=None)
@given(image=images, limits=limits_of)
def test_bodies_are_the_reference_s(image: tuple[int, int, int, float, float], limits: Thresholds) -> None:
    seed, height, width, sigma, contact_sigma = image
    crystal_HW, contact_HW = blobs(seed, height, width, sigma), blobs(seed + 1, height, width, contact_sigma)
    ours = postprocess(crystal_HW, contact_HW, limits)
    theirs = reference_postprocess(crystal_HW, contact_HW, limits)
    np.testing.assert_array_equal(ours.labels_HW, theirs.labels_HW)
    assert ours.dropped == theirs.dropped
    assert ours.scores == pytest.approx(theirs.scores, rel=1e-5)


def assert_same(ours: tuple[Observation, ...], theirs: tuple[Observation, ...]) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        for name in ("label", "bbox_xywh_px", "touches_border", "contact_labels"):
            assert getattr(one, name) == getattr(other, name), name
        for name in ("area_px", "centroid_x_px", "centroid_y_px", "score"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=SAME), name
        # OpenCV weighs neighbours in 32nds of a pixel.
        assert one.perimeter_px == pytest.approx(other.perimeter_px, rel=1e-3, abs=0.02)
        for name in ("feret_max_px", "feret_min_px"):
            assert abs(getattr(one, name) - getattr(other, name)) < 2.5 * HULL_TOLERANCE_PX, name


@settings(max_examples=40, deadline=None)
@given(
    image=images,
    limits=limits_of,
    distance_px=st.sampled_from([0.0, 1.0, 2.0, 4.5]),
    subpixel=st.booleans(),
)
def test_measures_are_the_reference_s(
    image: tuple[int, int, int, float, float], limits: Thresholds, distance_px: float, subpixel: bool
) -> None:
    seed, height, width, sigma, contact_sigma = image
    crystal_HW, contact_HW = blobs(seed, height, width, sigma), blobs(seed + 1, height, width, contact_sigma)
    labels_HW = postprocess(crystal_HW, contact_HW, limits).labels_HW
    measuring = MeasuringSettings(contact_distance_px=distance_px)
    probability_HW = crystal_HW if subpixel else None
    assert_same(
        measure(labels_HW, probability_HW, None, None, measuring),
        reference_measure(labels_HW, probability_HW, None, None, measuring),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 24),
    width=st.integers(1, 40),
    kinds=st.integers(2, 60),
    step=st.sampled_from([1, 7, 5000]),
)
def test_any_labels_are_measured_as_the_reference_does(
    seed: int, height: int, width: int, kinds: int, step: int
) -> None:
    """Labels of many bodies each, of one pixel or one pixel wide, with gaps between their numbers."""
    rng = np.random.default_rng(seed)
    coarse_HW = rng.integers(0, kinds, (-(-height // 2), -(-width // 3)))
    coarse_HW *= rng.integers(0, 2, coarse_HW.shape)
    labels_HW = (coarse_HW.repeat(2, axis=0).repeat(3, axis=1)[:height, :width] * step).astype(np.int32)
    labels_HW[rng.random(labels_HW.shape) < 0.2] = 0
    measuring = MeasuringSettings()
    assert_same(
        measure(labels_HW, None, None, None, measuring),
        reference_measure(labels_HW, None, None, None, measuring),
    )


def test_a_dense_field_is_parted_and_measured_as_the_reference_does() -> None:
    scene = dense_scene(side_px=700, crystals=240, seed=2)
    limits, measuring = Thresholds(contact=0.06), MeasuringSettings()
    ours = postprocess(scene.crystal_HW, scene.contact_HW, limits)
    assert ours.labels_HW.max() > 180
    np.testing.assert_array_equal(
        ours.labels_HW, reference_postprocess(scene.crystal_HW, scene.contact_HW, limits).labels_HW
    )
    found = measure(ours.labels_HW, scene.crystal_HW, ours.scores, 0.5, measuring)
    expected = reference_measure(ours.labels_HW, scene.crystal_HW, ours.scores, 0.5, measuring)
    assert_same(found, expected)
    shape = [[each.feret_max_px, each.feret_min_px, each.length_px, each.solidity] for each in found]
    other = [[each.feret_max_px, each.feret_min_px, each.length_px, each.solidity] for each in expected]
    differ = np.abs(np.array(shape) / np.array(other) - 1) > 1e-3
    assert differ.mean() < 0.03
    again = measure(ours.labels_HW, scene.crystal_HW, ours.scores, 0.5, measuring)
    assert [astuple(each) for each in again] == [astuple(each) for each in found]


def test_markers_grow_as_far_as_the_widest_neck_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels know no widths of their own: others, and the reference's with them, give the reference's bodies."""
    scene, limits = dense_scene(side_px=350, crystals=60, seed=2), Thresholds(contact=0.06)
    narrow = (1.0, 2.0, 3.0, 4.0, 5.0)
    for module in (leaks, reference_leaks):
        monkeypatch.setattr(module, "HALF_WIDTHS_PX", narrow)
    farther = reference_postprocess(scene.crystal_HW, scene.contact_HW, limits).labels_HW
    monkeypatch.setattr(reference_leaks, "_STEPS", round(narrow[-1]))
    expected = reference_postprocess(scene.crystal_HW, scene.contact_HW, limits).labels_HW
    assert (farther != expected).any()
    np.testing.assert_array_equal(postprocess(scene.crystal_HW, scene.contact_HW, limits).labels_HW, expected)
