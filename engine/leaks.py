"""Leaks in contact lines: where the line between two crystals is seen, but not all along.

One missing pixel would fuse two crystals. What a leak joins hangs together by a neck that is narrow beside both
bodies, and a contact line runs up to the neck on the way between them. Either sign alone is none: crystals have
waists, and lines end inside of crystals.
"""

from __future__ import annotations

import ctypes

import cv2
import numpy as np
import numpy.typing as npt

from engine.kernels import parting
from engine.kernels.workspace import scratch

HALF_WIDTHS_PX = (2.0, 4.0, 8.0, 16.0, 28.0)
"""Half widths of the necks that are looked for, px; a neck counts at the first that is wider."""
BODY_PER_NECK = 1.75
"""Least radius of the largest disc in either body, relative to the neck's half width."""
FAINT = 0.05
"""Contact along the line may be fainter than the threshold of contact by this factor."""
SEEN_SHARE = 0.3
"""Least share of the way between the bodies along which a contact is seen, if faintly."""
LAST_STEPS = 10
"""Enough for rims and contact bands; what is farther off is a spur of one body alone."""
LEAST_OTHER_PX = 100
"""Parts below are crumbs of the contact itself, px²."""
BAND_PX = 4
"""How wide a contact reaches into a crystal, px."""
BESIDE_PX = 2
"""How far beside the middle between the bodies the contact may lie, px."""


def mend_leaks(kinds_PQ: npt.NDArray[np.uint8], contact_HW: npt.NDArray[np.float32], threshold: float) -> int:
    """Make contact of the core (see `engine.cut`) where its necks are leaks, in place; how many there were.

    `contact_HW` holds probabilities (H, W), `threshold` is the one that cut the core. Necks are looked for in an image
    of half the size, of which a pixel is core where all four of its pixels are.
    """
    height, width = contact_HW.shape
    if min(height, width) < 2:
        return 0
    half_HW = scratch("half", (height // 2, width // 2), np.uint8)
    parting.halve(kinds_PQ, half_HW)
    depth_HW = scratch("depth", half_HW.shape, np.float32)
    depth_HW = cv2.distanceTransform(half_HW, cv2.DIST_L2, 3, depth_HW)
    signs = parting.Signs(
        half_widths=(ctypes.c_double * parting.SCALES)(*HALF_WIDTHS_PX),
        body_per_neck=BODY_PER_NECK,
        seen_share=SEEN_SHARE,
        marker_steps=round(HALF_WIDTHS_PX[-1]),
        last_steps=LAST_STEPS,
        least_other_px=LEAST_OTHER_PX,
        band_px=BAND_PX,
        beside_px=BESIDE_PX,
        faint=FAINT * threshold,
    )
    return parting.mend_leaks(kinds_PQ, contact_HW, half_HW, np.asarray(depth_HW, np.float32), signs)
