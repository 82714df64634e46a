"""From a camera's image to what the network sees; the one home, used by training and every back end.

Normalisation: (x - median) / max(standard deviation, 1.5 % of full scale), clipped to ±6. The median
is the background's grey level, whatever the brightness; the floor keeps the noise of an empty field
from being stretched to look like crystals. Uneven light is left in: the network saw it in training.

White (99 % of full scale and more) is left out of the standard deviation: a burned-in scale bar or
time, and glare, say nothing of the specimen's contrast, yet a bar on 2 % of a low-contrast film
makes nine tenths of its variance. Black stays in: rims are black, and rims are the specimen.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.errors import ImageRefusedError

CLIP = 6.0
"""Normalised values beyond ± this are clipped."""
CONTRAST_FLOOR = 0.015
"""Least standard deviation to divide by, as a fraction of full scale."""
SATURATED = 0.99
"""Share of full scale from which a pixel says nothing of the contrast."""
LEAST_UNSATURATED = 0.25
"""Least share of pixels below `SATURATED` for the contrast to be theirs alone."""

GreyImage = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def to_grey(image: npt.NDArray[np.generic]) -> GreyImage:
    """Give the grey image (H, W) of (H, W), (H, W, 1) or RGB (H, W, 3), uint8 or uint16.

    Raises ImageRefusedError for other shapes and dtypes, floats included: their full scale is unknown.
    """
    if image.dtype not in (np.uint8, np.uint16):
        raise ImageRefusedError(
            f"The image has dtype {image.dtype}; the engine takes uint8 and uint16. "
            "Scale it to 0…255 or 0…65535 and convert it."
        )
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise ImageRefusedError(
            f"The image has shape {image.shape}; the engine takes (height, width) grey "
            "or (height, width, 3) RGB, not empty. Convert it, or take the first channels."
        )
    contiguous = np.ascontiguousarray(image)
    if contiguous.ndim == 3:
        contiguous = cv2.cvtColor(contiguous, cv2.COLOR_RGB2GRAY)
    return contiguous


def full_scale_of(image_HW: GreyImage, largest: int) -> int:
    """White of an image whose largest value is `largest`: 255, or that of the 10-, 12-, 14- or 16-bit camera.

    A 16-bit image is often that of a camera with fewer bits, so the range in use decides.
    """
    if image_HW.dtype == np.uint8:
        return 255
    return next(white for white in (1023, 4095, 16383, 65535) if largest <= white)


def normalise(image_HW: GreyImage) -> npt.NDArray[np.float32]:
    """Normalise a grey image (H, W) for the network: float32 (H, W), unit-less, within ±6.

    A constant image gives zeros. Raises ImageRefusedError as `to_grey` does.
    """
    levels = 256 if image_HW.dtype == np.uint8 else 65536
    counts = cv2.calcHist([image_HW], [0], None, [levels], [0, levels]).ravel().astype(np.float64)
    values = np.arange(levels, dtype=np.float64)
    total = image_HW.size
    cumulative = np.cumsum(counts)
    # Like numpy's median: the mean of the two middle values when their number is even.
    middle = np.searchsorted(cumulative, ((total - 1) // 2 + 0.5, total // 2 + 0.5))
    median = float(middle.mean())
    white = full_scale_of(image_HW, int(np.flatnonzero(counts)[-1]))
    unsaturated = int(np.ceil(SATURATED * white))
    if counts[:unsaturated].sum() < LEAST_UNSATURATED * total:
        unsaturated = levels
    deviation = _deviation(counts[:unsaturated], values[:unsaturated])
    scale = max(deviation, CONTRAST_FLOOR * white)
    table = np.clip((values - median) / scale, -CLIP, CLIP).astype(np.float32)
    if image_HW.dtype == np.uint8:
        return np.asarray(cv2.LUT(image_HW, table), np.float32)
    return table[image_HW]


def _deviation(counts: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> float:
    total = counts.sum()
    mean = (counts @ values) / total
    return float(np.sqrt(counts @ (values - mean) ** 2 / total))


def preprocess(image: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Grey and normalise a camera's image: float32 (H, W); raises ImageRefusedError."""
    return normalise(to_grey(image))
