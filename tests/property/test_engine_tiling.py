"""Blend weights sum to one at every pixel, whatever the frame and the tiles."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tiling import plan_axis


@settings(max_examples=300, deadline=None)
@given(
    length=st.integers(1, 9000),
    stride=st.sampled_from([8, 16, 32]),
    tile_strides=st.integers(8, 64),
    overlap_share=st.floats(0, 0.45),
)
def test_weights_sum_to_one(length: int, stride: int, tile_strides: int, overlap_share: float) -> None:
    tile = tile_strides * stride
    overlap = int(tile * overlap_share)
    axis = plan_axis(length, tile, overlap, stride)
    assert axis.size % stride == 0
    assert axis.starts[0] == 0
    assert axis.starts[-1] + axis.size == axis.padded >= length
    assert len(axis.starts) == 1 or axis.size <= tile
    assert len(axis.starts) == 1 or (np.diff(axis.starts) <= axis.size - overlap).all(), (
        "neighbours overlap by at least what was asked"
    )
    total = np.zeros(axis.padded)
    for start, weights in zip(axis.starts, axis.weights(), strict=True):
        assert (weights > 0).all()
        total[start : start + axis.size] += weights
    np.testing.assert_allclose(total, 1, atol=1e-5)
