"""`check`: judge one frame against the limits and against the frames before it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import cv2
import numpy as np

from monitor.frame import Frame, Image, TimeSource
from monitor.quality.drift import estimate, reduced
from monitor.quality.state import QualityState
from monitor.records import FrameQuality, FrameStatus, RejectReason
from monitor.settings.quality import QualitySettings

LEAST_BITS = 10
"""No camera that delivers 16-bit images fills fewer: so that a black one is not scaled up."""


@dataclass(frozen=True, slots=True)
class _Figures:
    light: float
    contrast: float
    saturated: float
    focus: float


def check(state: QualityState, frame: Frame, settings: QualitySettings) -> tuple[QualityState, FrameQuality]:
    """Judge `frame`; pure: the same state and frame give the same answer.

    The order of the checks is size, frozen, dark, saturated, contrast, focus: the first that fails is the
    reason. Drift is measured against the last good frame, and only for good frames.
    """
    size = (frame.height_px, frame.width_px)
    if state.size_hw_px is not None and size != state.size_hw_px:
        before = f"{state.size_hw_px[1]}×{state.size_hw_px[0]}"
        return state, FrameQuality(
            FrameStatus.REJECTED,
            RejectReason.SIZE_CHANGED,
            f"the frame is {size[1]}×{size[0]} px, the field's first was {before} px; "
            "set the camera back, or start a new run for the new size",
        )
    state = replace(_look_for_repetition(state, frame.image), size_hw_px=size)
    grey_HW = _grey(frame.image)
    state, full_scale = _full_scale(state, grey_HW, settings)
    figures = _measure(grey_HW, full_scale)
    refusal = _refusal(state, frame, figures, settings)
    if refusal is not None:
        reason, detail = refusal
        return state, FrameQuality(
            FrameStatus.REJECTED, reason, detail, focus=figures.focus, light=figures.light
        )
    reference_HW = reduced(grey_HW, settings.drift_side_px)
    shift = None
    if state.reference_HW is not None:
        shift = estimate(state.reference_HW, reference_HW, size, settings.drift_response_above)
    return replace(state, reference_HW=reference_HW), FrameQuality(
        FrameStatus.OK,
        focus=figures.focus,
        light=figures.light,
        shift_x_px=None if shift is None else shift[0],
        shift_y_px=None if shift is None else shift[1],
    )


def _look_for_repetition(state: QualityState, image: Image) -> QualityState:
    fingerprint = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
    same = fingerprint == state.fingerprint
    return replace(state, fingerprint=fingerprint, repetitions=state.repetitions + 1 if same else 0)


def _grey(image: Image) -> Image:
    if image.ndim == 2:
        return image
    grey_HW = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    return (
        grey_HW.astype(np.uint8, copy=False)
        if image.dtype == np.uint8
        else grey_HW.astype(np.uint16, copy=False)
    )


def _full_scale(state: QualityState, grey_HW: Image, settings: QualitySettings) -> tuple[QualityState, int]:
    if grey_HW.dtype == np.uint8:
        return state, 255
    if settings.full_scale_bits is not None:
        return state, 2**settings.full_scale_bits - 1
    bits = max(LEAST_BITS, state.full_scale_bits, int(grey_HW.max()).bit_length())
    bits += bits % 2  # cameras fill 10, 12, 14 or 16 bits
    return replace(state, full_scale_bits=bits), 2**bits - 1


def _measure(grey_HW: Image, full_scale: int) -> _Figures:
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey_HW))
    depth = cv2.CV_16S if grey_HW.dtype == np.uint8 else cv2.CV_32F
    _, edges = cv2.meanStdDev(cv2.Laplacian(grey_HW, depth))
    saturated = np.count_nonzero(grey_HW >= full_scale) / grey_HW.size
    focus = float(edges[0, 0]) ** 2 / deviation**2 if deviation > 0 else 0.0
    return _Figures(mean / full_scale, deviation / full_scale, saturated, focus)


def _refusal(
    state: QualityState, frame: Frame, figures: _Figures, settings: QualitySettings
) -> tuple[RejectReason, str] | None:
    watch_frozen = settings.reject_frozen
    if watch_frozen is None:
        watch_frozen = frame.time_source is TimeSource.CAMERA
    if watch_frozen and state.repetitions >= settings.frozen_after:
        return RejectReason.FROZEN, (
            f"the camera sent the same image {state.repetitions + 1} times; power-cycle or re-plug it"
        )
    if figures.light < settings.dark_below:
        return RejectReason.DARK, (
            f"mean brightness {figures.light:.3f} of full scale is below {settings.dark_below:g}; "
            "check lamp, shutter and exposure"
        )
    if figures.saturated > settings.saturated_above:
        return RejectReason.SATURATED, (
            f"{figures.saturated:.0%} of the pixels are at full scale, "
            f"more than {settings.saturated_above:.0%}; lower lamp or exposure"
        )
    if figures.contrast < settings.contrast_below:
        return RejectReason.UNSHARP, (
            f"contrast {figures.contrast:.4f} of full scale is below {settings.contrast_below:g}: "
            "nothing can be seen; check focus and light path"
        )
    if figures.focus < settings.focus_below:
        return RejectReason.UNSHARP, (
            f"sharpness {figures.focus:.4f} is below {settings.focus_below:g}; "
            "refocus, or lower quality.focus_below"
        )
    return None
