"""Calls of the kernels that part crystals; shapes and types are checked here. Images are contiguous, see `arrays`."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from engine.kernels.arrays import address, check_rows
from engine.kernels.library import kernels
from engine.kernels.workspace import with_room

Float = NDArray[np.float32]
Plane = NDArray[np.uint8]

SCALES = 5


class Signs(ctypes.Structure):
    """How necks that are leaks are told from waists; lengths in px. See `engine.leaks`."""

    _fields_ = (
        ("half_widths", ctypes.c_double * SCALES),
        ("body_per_neck", ctypes.c_double),
        ("seen_share", ctypes.c_double),
        ("marker_steps", ctypes.c_int64),
        ("last_steps", ctypes.c_int64),
        ("least_other_px", ctypes.c_int64),
        ("band_px", ctypes.c_int64),
        ("beside_px", ctypes.c_int64),
        ("faint", ctypes.c_float),
    )


class Limits(ctypes.Structure):
    """Thresholds of bodies, see `engine.thresholds`."""

    _fields_ = (
        ("seed_area_px", ctypes.c_int64),
        ("hole_area_px", ctypes.c_double),
        ("hole_fraction", ctypes.c_double),
        ("minimal_area_px", ctypes.c_double),
        ("minimal_score", ctypes.c_double),
        ("small_area_px", ctypes.c_double),
        ("small_score", ctypes.c_double),
    )


def cut_rows(
    crystal_HW: Float, contact_HW: Float, rows: range, crystal: float, contact: float, kinds_PQ: Plane
) -> bool:
    """Cut some rows of probabilities (H, W) into kinds, in a frame of background: P = H + 2, Q = W + 2.

    Whether there is any contact among them.
    """
    height, width = crystal_HW.shape
    check_rows(rows, height)
    return bool(
        kernels().cut_rows(
            address(crystal_HW, np.float32, (height, width)),
            address(contact_HW, np.float32, (height, width)),
            height,
            width,
            rows.start,
            rows.stop,
            crystal,
            contact,
            address(kinds_PQ, np.uint8, (height + 2, width + 2)),
        )
    )


def halve(kinds_PQ: Plane, half_HW: Plane) -> None:
    """Fill an image of half the size (H // 2, W // 2): 1 where all four pixels are core, else 0."""
    height, width = kinds_PQ.shape[0] - 2, kinds_PQ.shape[1] - 2
    kernels().halve(
        address(kinds_PQ, np.uint8, kinds_PQ.shape),
        height,
        width,
        address(half_HW, np.uint8, (height // 2, width // 2)),
    )


def mend_leaks(kinds_PQ: Plane, contact_HW: Float, half_HW: Plane, depth_HW: Float, signs: Signs) -> int:
    """Make contact of the core pixels where necks are leaks, in place; how many leaks there were.

    `half_HW` is that of `halve`, `depth_HW` float32 each pixel's distance, px, to where it is 0.
    """
    height, width = contact_HW.shape
    half = (height // 2, width // 2)
    arguments = (
        address(kinds_PQ, np.uint8, (height + 2, width + 2)),
        address(contact_HW, np.float32, (height, width)),
        height,
        width,
        address(half_HW, np.uint8, half),
        address(depth_HW, np.float32, half),
        ctypes.byref(signs),
    )
    return with_room(
        lambda room, size: int(kernels().mend_leaks(*arguments, room, size)), contact_HW.size, 16
    )


def label_bodies(
    kinds_PQ: Plane, crystal_HW: Float, limits: Limits, labels_HW: NDArray[np.int32]
) -> tuple[NDArray[np.float64], int]:
    """Part, grow, fill and choose; labels from 1 without gaps go into `labels_HW`, and 0 where there is none.

    The mean probability of each body, shape (N,), and how many were left out.
    """
    height, width = crystal_HW.shape
    dropped = ctypes.c_int64(0)
    scores = np.empty(1 << 12)
    arguments = (
        address(kinds_PQ, np.uint8, (height + 2, width + 2)),
        address(crystal_HW, np.float32, (height, width)),
        height,
        width,
        ctypes.byref(limits),
        address(labels_HW, np.int32, (height, width)),
    )

    def label(room: int, size: int) -> int:
        scores_at = address(scores, np.float64, scores.shape)
        return int(
            kernels().label_bodies(*arguments, scores_at, len(scores), ctypes.byref(dropped), room, size)
        )

    while (count := with_room(label, kinds_PQ.size, 24)) > len(scores):
        scores = np.empty(2 * count)
    return scores[:count], dropped.value
