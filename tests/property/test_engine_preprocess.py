"""Any image gives finite values within the clip, and grey levels that are shifted and stretched give the same."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.preprocess import CLIP, normalise


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    low=st.integers(0, 100),
    span=st.integers(1, 60),
    shift=st.integers(0, 50),
    wide=st.booleans(),
)
def test_normalisation(
    seed: int, height: int, width: int, low: int, span: int, shift: int, wide: bool
) -> None:
    image = np.random.default_rng(seed).integers(low, low + span, (height, width)).astype(np.uint8)
    other = image + np.uint8(shift)
    if wide:
        image, other = image.astype(np.uint16) * 257, other.astype(np.uint16) * 257
    normal = normalise(image)
    assert normal.shape == (height, width)
    assert normal.dtype == np.float32
    assert np.isfinite(normal).all()
    assert np.abs(normal).max() <= CLIP
    if not wide:  # where the range in use decides the floor, a shift may change it
        np.testing.assert_allclose(normalise(other), normal, atol=1e-4)
