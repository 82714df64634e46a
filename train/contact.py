"""The contact target: where two crystals meet, so that touching ones can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def contact_band(labels_HW: npt.NDArray[np.int32], width_px: int = 5) -> npt.NDArray[np.float32]:
    """Band (height, width), float32 0 or 1, of the pixels whose disc of diameter `width_px` meets two labels.

    A disc meets two labels when the greatest and the least label other than background in it differ.
    Labels of up to 2**24 - 1 are told apart (the comparison is in float32).
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))
    labels = labels_HW.astype(np.float32)
    nowhere = np.float32(2**24)
    greatest = cv2.dilate(labels, disc)
    least = cv2.erode(np.where(labels == 0, nowhere, labels), disc)
    return np.asarray((greatest > 0) & (least < nowhere) & (least != greatest), np.float32)


def targets(labels_HW: npt.NDArray[np.int32], width_px: int = 5) -> npt.NDArray[np.float32]:
    """Targets (2, height, width), float32 0 or 1: crystal, contact."""
    return np.stack([(labels_HW > 0).astype(np.float32), contact_band(labels_HW, width_px)])
