"""What one step learns from: a crop with its targets, and a batch of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import torch

from engine.preprocess import normalise
from train.contact import targets

if TYPE_CHECKING:
    import numpy.typing as npt

    Real = npt.NDArray[np.float32]

INTERIOR_PX = 16.0
"""Distance to its own edge at which a body's inside is as deep as the distance head can say, px."""
SIGNED_PX = 32.0
"""Distance to the nearest edge of any body at which the boundary loss stops growing, px."""


class Crop(NamedTuple):
    """One crop.

    Attributes:
        image_CHW: float32 (1, side, side), normalised.
        targets_CHW: float32 (2, side, side), 0 or 1: crystal, contact.
        labels_HW: int32, 0 = background.
        interior_HW: float32 0..1, distance of a body's pixel to the body's own edge over 16 px.
        signed_HW: float32 -1..1, distance to the crystal mask's edge over 32 px, negative inside.
    """

    image_CHW: Real
    targets_CHW: Real
    labels_HW: npt.NDArray[np.int32]
    interior_HW: Real
    signed_HW: Real


class Batch(NamedTuple):
    """Crops of one step, stacked: the fields of `Crop` as tensors."""

    images_BCHW: torch.Tensor
    targets_BCHW: torch.Tensor
    labels_BHW: torch.Tensor
    interior_BHW: torch.Tensor
    signed_BHW: torch.Tensor


def crop_of(image_HW: npt.NDArray[np.uint8], labels_HW: npt.NDArray[np.int32], contact_width_px: int) -> Crop:
    """Everything that a step needs of an image and its labels."""
    edge = np.zeros(labels_HW.shape, bool)
    edge[:, 1:] |= labels_HW[:, 1:] != labels_HW[:, :-1]
    edge[1:] |= labels_HW[1:] != labels_HW[:-1]
    inside = ((labels_HW > 0) & ~edge).astype(np.uint8)
    mask = (labels_HW > 0).astype(np.uint8)
    signed = _distance(1 - mask) - _distance(mask)
    return Crop(
        normalise(image_HW)[None],
        targets(labels_HW, contact_width_px),
        labels_HW,
        np.asarray(np.clip(_distance(inside) / INTERIOR_PX, 0, 1), np.float32),
        np.asarray(np.clip(signed / SIGNED_PX, -1, 1), np.float32),
    )


def stack(crops: list[Crop]) -> Batch:
    """A batch of crops."""
    return Batch(*(torch.from_numpy(np.stack(field)) for field in zip(*crops, strict=True)))


def _distance(mask: npt.NDArray[np.uint8]) -> Real:
    """Distance of each set pixel to the nearest one that is not; a frame of set pixels alone is far from all."""
    if mask.all():
        return np.full(mask.shape, 2 * SIGNED_PX, np.float32)
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)
