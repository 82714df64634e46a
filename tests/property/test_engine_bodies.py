"""Whatever the network says, labels are whole, connected, inside the mask, and deterministic."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.postprocess import postprocess
from engine.thresholds import Thresholds
from tests.property.blobs import blobs, thresholds


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    sigma=st.floats(0.5, 8),
    contact_sigma=st.floats(0.5, 4),
    limits=thresholds(),
)
def test_labels_are_bodies(
    seed: int, height: int, width: int, sigma: float, contact_sigma: float, limits: Thresholds
) -> None:
    crystal = blobs(seed, height, width, sigma)
    contact = blobs(seed + 1, height, width, contact_sigma)
    bodies = postprocess(crystal, contact, limits)
    labels = bodies.labels_HW
    assert labels.shape == (height, width)
    assert labels.dtype == np.int32
    count = int(labels.max())
    assert sorted(bodies.scores) == list(range(1, count + 1))
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    assert (areas >= limits.minimal_area_px).all()
    for label in range(1, count + 1):
        body = (labels == label).astype(np.uint8)
        assert cv2.connectedComponents(body, connectivity=8)[0] == 2
        if limits.hole_area_px == limits.hole_fraction == 0:
            assert crystal[body > 0].min() >= limits.crystal
    again = postprocess(crystal, contact, limits)
    np.testing.assert_array_equal(again.labels_HW, labels)
    if limits.minimal_area_px == 1 and limits.minimal_score <= limits.crystal:
        assert bodies.dropped == 0
        assert ((labels > 0) | (crystal < limits.crystal)).all()
