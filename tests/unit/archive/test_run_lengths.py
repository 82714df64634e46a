from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.archive import CroppedMask, crop_masks, paint_masks

LABELS = arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 4))


def test_a_small_crystal_by_eye() -> None:
    labels_HW = np.zeros((4, 6), np.int32)
    labels_HW[1:3, 2:5] = [[7, 7, 0], [0, 7, 7]]
    # Down the columns of the 3 × 2 box: 7 0 | 7 7 | 0 7.
    assert crop_masks(labels_HW) == [CroppedMask(7, (2, 1, 3, 2), (0, 1, 1, 2, 1, 1))]


def test_no_crystal_no_mask() -> None:
    assert crop_masks(np.zeros((3, 3), np.int32)) == []


@given(LABELS)
def test_what_is_cropped_is_painted_again(labels_HW: np.ndarray) -> None:
    masks = crop_masks(labels_HW)
    assert [mask.crystal_id for mask in masks] == sorted(set(np.unique(labels_HW).tolist()) - {0})
    assert np.array_equal(paint_masks(masks, *labels_HW.shape), labels_HW)
