"""The crystal mask cut along its contacts, in the form that all later steps share."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
import numpy.typing as npt

from engine.kernels.parting import cut_rows
from engine.kernels.workspace import scratch
from engine.leaks import mend_leaks
from engine.thresholds import Thresholds

Float = npt.NDArray[np.float32]

BACKGROUND, CONTACT, CORE = 0, 1, 2
"""Kinds of pixels."""


def cut_mask(
    crystal_HW: Float, contact_HW: Float, limits: Thresholds, threads: Executor
) -> npt.NDArray[np.uint8]:
    """Cut calibrated probabilities 0…1 at the thresholds of crystal and contact, leaks of contact lines mended.

    The kind of each pixel, in a frame of background one pixel wide, which spares every later step the question whether
    a neighbour exists: uint8, shape (P, Q), P = H + 2, Q = W + 2. It is this thread's until the next call.
    """
    height, width = crystal_HW.shape
    kinds_PQ = scratch("kinds", (height + 2, width + 2), np.uint8)
    parts = (range(height // 2), range(height // 2, height))
    has_contact = list(
        threads.map(
            lambda rows: cut_rows(crystal_HW, contact_HW, rows, limits.crystal, limits.contact, kinds_PQ),
            parts,
        )
    )
    if any(has_contact):
        mend_leaks(kinds_PQ, contact_HW, limits.contact)
    return kinds_PQ
