"""Whatever the network says, labels are whole, connected, inside the mask, and deterministic."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.postprocess import postprocess
from engine.thresholds import Thresholds


def blobs(seed: int, height: int, width: int, sigma: float) -> np.ndarray:
    """Smooth random probabilities (height, width) 0…1."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma).reshape(height, width)
    return (1 / (1 + np.exp(-3 * (smooth - smooth.mean()) / (smooth.std() + 1e-6)))).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    sigma=st.floats(0.5, 8),
    contact_sigma=st.floats(0.5, 4),
    limits=st.builds(
        Thresholds,
        crystal=st.floats(0.2, 0.8),
        contact=st.floats(0.2, 0.8),
        seed_area_px=st.integers(1, 20),
        minimal_area_px=st.integers(1, 30),
        hole_area_px=st.sampled_from([0, 20, 500]),
        hole_fraction=st.sampled_from([0, 0.5]),
        minimal_score=st.floats(0, 0.8),
    ),
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
