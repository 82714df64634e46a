"""The crystal mask cut along its contacts, in the form that all later steps share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.thresholds import Thresholds
from tests.reference.parting.leaks import mend_leaks
from tests.reference.parting.runs import Positions, Runs, find_runs

Plane = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]

BACKGROUND, CONTACT, CORE = 0, 1, 2
"""Kinds of pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Kinds of all pixels of an image (H, W), in a frame of background one pixel wide: P = H + 2, Q = W + 2.

    The frame spares every later step the question whether a neighbour exists.
    """

    mask_PQ: Plane
    """1 where crystal, 0 elsewhere."""
    core_PQ: Plane
    """1 where crystal without contact."""
    runs: Runs
    """Runs of one kind."""
    kinds: npt.NDArray[np.uint8]
    """Kind of each run: BACKGROUND, CONTACT or CORE."""

    def of_image(self, at: Positions) -> Positions:
        """Flat positions in the image of flat positions in the frame (none of them in the added border)."""
        width = self.mask_PQ.shape[1]
        return np.asarray(at - (width + 1) - 2 * (at // width - 1), np.intp)


def cut_mask(crystal_HW: Float, contact_HW: Float, limits: Thresholds) -> Cut:
    """Cut calibrated probabilities 0…1 at the thresholds of crystal and contact, leaks of contact lines mended."""
    height, width = crystal_HW.shape
    mask_PQ = np.zeros((height + 2, width + 2), np.uint8)
    core_PQ = np.zeros_like(mask_PQ)
    inner = (slice(1, -1), slice(1, -1))
    np.greater_equal(crystal_HW, np.float32(limits.crystal), out=mask_PQ[inner].view(bool))
    np.less(contact_HW, np.float32(limits.contact), out=core_PQ[inner].view(bool))
    core_PQ &= mask_PQ
    mend_leaks(core_PQ[inner], mask_PQ[inner], contact_HW, limits.contact)
    kinds_PQ = mask_PQ + core_PQ
    runs = find_runs(kinds_PQ)
    return Cut(mask_PQ, core_PQ, runs, kinds_PQ.ravel()[runs.starts])


def label_parts(plane_PQ: Plane) -> npt.NDArray[np.int32]:
    """Number the connected parts of a plane (4 neighbours) from 1, in the order of their first pixels; flat."""
    # Their areas come from runs: OpenCV's statistics take four times as long as the labelling.
    _, parts_PQ = cv2.connectedComponents(plane_PQ, connectivity=4, ltype=cv2.CV_32S)
    return np.asarray(parts_PQ, np.int32).ravel()
