"""The picture of a segmented still: every crystal outlined in one colour of its own."""

from __future__ import annotations

import numpy as np

from monitor.archive import overlay


def test_each_outline_has_one_colour_and_lies_on_its_crystal() -> None:
    labels = np.zeros((60, 80), np.int32)
    labels[10:30, 10:30] = 1
    labels[10:30, 30:50] = 2  # touches the first
    labels[40:55, 60:80] = 7  # at the border
    image = np.random.default_rng(2).integers(90, 140, labels.shape).astype(np.uint8)
    shown = overlay(image, labels)
    coloured = (shown.max(2) - shown.min(2)) > 0
    assert not coloured[labels == 0].any(), "the background keeps its grey"
    seen = set()
    for label in (1, 2, 7):
        colours = np.unique(shown[coloured & (labels == label)], axis=0)
        assert len(colours) == 1
        seen.add(tuple(colours[0].tolist()))
    assert len(seen) == 3
    for row, column in ((10, 20), (29, 20), (20, 10), (20, 29), (20, 30), (20, 49)):
        assert coloured[row, column]
    assert not coloured[20, 20], "the inside keeps its grey"
