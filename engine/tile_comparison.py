"""Has a tile changed since the image that its probabilities were inferred from?

All is computed on means of 2 x 2 pixels: half the noise, a quarter of the work. The difference to the
reference image is explained, by weighted least squares, as far as light, vibration and focus can explain
it: offset, gain, shift, and second differences (half of a shift squared, or a softer edge). What is left is
weighed by the noise of the image and by what shifting steep edges costs, and asked three questions. Is
there a *spot* (a newborn crystal)? Is there *unrest* (more energy in a block than noise has)? Has a *front*
moved? The last is a matched filter: outlines that move outwards by d px change the image by d times its
slope across the outline, and where the outlines are the probabilities say. Summed over blocks of several
sizes it sees an advance that no single pixel shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

BLOCK_PX = 32
"""Side of the blocks that are asked for unrest and for fronts, px."""
EDGE_ERROR_PX = 0.06
"""How far an edge may seem to move without having moved, px: interpolation, rounding, turbulence."""
SHIFT_ERROR_PER_PX = 0.4
"""How much of that a shift by s px adds, times s²: what the second differences do not explain."""
LEAST_NOISE = 0.004
"""No image is believed to be quieter, in standard deviations of the image: rounding to 8 bits."""
STEEP = 3.0
"""Slopes below this many times the noise are noise: they would hide how far the edges moved."""
CONTRAST = 5.0
"""Pixels that differ from the background by less than this many times the noise have no contrast to lose."""
RIM_SLOPE = 0.025
"""Slope of the blurred probability, 1/px, from which on there is an outline."""
SPOT_MARGIN = 1.2
UNREST_MARGIN = 1.5
"""By how much more than Gaussian noise real noise scatters: measured on simulated and real pairs."""
FRONT_SCALES = 3
"""Fronts are summed over blocks of 32, 64 and 128 px, and over the whole tile."""

GAIN_PULL = 1000.0
SHIFT_PULL = 25.0
"""How firmly gain and shift are held at zero where nothing tells them: as if known to 3 % and 0.2 px."""

_BLOCK = BLOCK_PX // 2
_FITTED = 7
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Tolerances:
    """What is no change yet."""

    deviations: float = 5.0
    """Standard deviations of the noise up to which a spot, unrest or a front is noise."""
    front_px: float = 0.02
    """Common advance of a tile's outlines that is no change, px; twice this in a single block."""
    shift_px: float = 0.75
    """Largest shift that is still vibration, px."""
    gain: float = 0.1
    """Largest relative change of contrast that is still light."""
    offset: float = 0.5
    """Largest change of level that is still light, in standard deviations of the image."""


@dataclass(frozen=True)
class Verdict:
    """What a comparison found."""

    why: str
    """`spot`, `unrest`, `front`, `shift` or `light`; empty where nothing changed."""
    blocks: Mask
    """Which blocks of 32 px changed, bool (rows, columns); all of them for `shift` and `light`."""
    front_px: float
    """Common advance of all outlines of the tile, px."""
    shift_px: float
    """Shift of the tile, px."""

    @property
    def changed(self) -> bool:
        """Whether the tile must be inferred again."""
        return bool(self.why)


class TileReference:
    """The image that a tile was inferred from, made ready for comparison; sides are multiples of 16 px."""

    def __init__(self, tile_HW: FloatImage, crystal_HW: FloatImage) -> None:
        """Take the tile's normalised image and its crystal probability, both float32 (H, W)."""
        self._half_HW = halved(tile_HW)
        noise = max(_noise_of(self._half_HW), LEAST_NOISE)
        # Slopes at full size: halved first, sharp edges would be steeper than their differences say.
        slopes = _slopes(tile_HW)
        slope_x, slope_y = (halved(each) for each in slopes)
        steep = slope_x**2 + slope_y**2 > (STEEP * noise) ** 2
        slope_x, slope_y = slope_x * steep, slope_y * steep
        bends = (_bend(tile_HW, 1), _bend(tile_HW, 0), _slopes(slopes[0])[1])
        bend_x, bend_y, twist = (halved(each) * steep for each in bends)
        steepness = slope_x**2 + slope_y**2
        self._weight_HW = 1 / np.sqrt(2 * noise**2 + EDGE_ERROR_PX**2 * steepness)
        self._steepness_HW = np.sqrt(steepness) * self._weight_HW
        inwards = _slopes(np.asarray(cv2.blur(crystal_HW, (5, 5)), np.float32))
        inwards_x, inwards_y = (halved(each) for each in inwards)
        length = np.sqrt(inwards_x**2 + inwards_y**2)
        rim = np.where(length > RIM_SLOPE, 1 / np.maximum(length, RIM_SLOPE), 0)
        advance = (slope_x * inwards_x + slope_y * inwards_y) * rim
        ones = np.ones_like(self._half_HW)
        # Noise must not stand in for contrast, or its absence in the next image would be less contrast.
        contrast = self._half_HW * (np.abs(self._half_HW) > CONTRAST * noise)
        columns = (ones, contrast, slope_x, slope_y, bend_x, bend_y, twist, advance)
        self._basis_KN = np.stack([column * self._weight_HW for column in columns]).reshape(len(columns), -1)
        gram = (self._basis_KN @ self._basis_KN.T).astype(np.float64)
        # A tile without features says nothing of shift, gain or fronts: a weak pull keeps them at zero.
        gram[np.diag_indices(_FITTED + 1)] += np.array([1e-9, GAIN_PULL, *[SHIFT_PULL] * (_FITTED - 1)])
        self._inverse = np.linalg.inv(gram)
        self._inverse_fitted = np.linalg.inv(gram[:_FITTED, :_FITTED])
        self._advance_HW = self._basis_KN[_FITTED].reshape(self._half_HW.shape)
        self._front_weight = _block_sums(self._advance_HW**2)

    def compare(self, half_HW: FloatImage, limits: Tolerances) -> Verdict:
        """Whether the same tile of another image, halved, shows something else."""
        raw_HW = (half_HW - self._half_HW) * self._weight_HW
        products = (self._basis_KN @ raw_HW.ravel()).astype(np.float64)
        fitted = self._inverse_fitted @ products[:_FITTED]
        front_px = float(self._inverse[_FITTED] @ products)
        squared_shift = float(fitted[2] ** 2 + fitted[3] ** 2)
        shift_px = float(np.sqrt(squared_shift))
        everywhere = np.ones(self._front_weight.shape, bool)
        if shift_px > limits.shift_px:
            return Verdict("shift", everywhere, front_px, shift_px)
        if abs(fitted[1]) > limits.gain or abs(fitted[0]) > limits.offset:
            return Verdict("light", everywhere, front_px, shift_px)
        explained_N = fitted.astype(np.float32) @ self._basis_KN[:_FITTED]
        rest_HW = raw_HW - explained_N.reshape(raw_HW.shape)
        spread = _spread(rest_HW[1::3, ::3])
        edge_error = np.float32(SHIFT_ERROR_PER_PX * squared_shift)
        rest_HW /= np.sqrt(spread**2 + (edge_error * self._steepness_HW) ** 2)
        front_error_px = spread * float(np.sqrt(self._inverse[_FITTED, _FITTED]))
        why, blocks = self._changed_blocks(rest_HW, limits)
        if not why and abs(front_px) > max(limits.front_px, limits.deviations * front_error_px):
            why, blocks = "front", self._front_weight > 0
        return Verdict(why, blocks, front_px, shift_px)

    def _changed_blocks(self, rest_HW: FloatImage, limits: Tolerances) -> tuple[str, Mask]:
        # The mean of four halved pixels is half as noisy as one.
        spots_HW = np.abs(np.asarray(cv2.blur(rest_HW, (2, 2)), np.float32))
        spot_limit = SPOT_MARGIN * limits.deviations / 2
        if float(spots_HW.max()) > spot_limit:
            return "spot", _by_block(np.maximum, spots_HW) > spot_limit
        unrest = _block_sums(rest_HW**2) / _BLOCK**2 - 1
        unrest_limit = UNREST_MARGIN * limits.deviations * np.sqrt(2) / _BLOCK
        if float(unrest.max()) > unrest_limit:
            return "unrest", unrest > unrest_limit
        moved, weight = _block_sums(rest_HW * self._advance_HW), self._front_weight
        shape = self._front_weight.shape
        for scale in range(FRONT_SCALES):
            noise = limits.deviations * np.sqrt(np.maximum(weight, 1e-9))
            beyond = np.abs(moved) > np.maximum(noise, 2 * limits.front_px * weight)
            if beyond.any():
                blocks = np.kron(beyond, np.ones((2**scale, 2**scale), bool))
                return "front", blocks[: shape[0], : shape[1]]
            moved, weight = _quartered(moved), _quartered(weight)
        return "", np.zeros(shape, bool)


def halved(image_HW: FloatImage) -> FloatImage:
    """Means of 2 x 2 pixels of an image with even sides, float32."""
    height, width = image_HW.shape
    return np.asarray(
        cv2.resize(image_HW, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32
    )


def _slopes(image_HW: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Derivatives along x and y, per px, exact to the fourth order."""
    kernel = np.array([[1 / 12, -8 / 12, 0, 8 / 12, -1 / 12]], np.float32)
    return _filtered(image_HW, kernel), _filtered(image_HW, kernel.T)


def _bend(image_HW: FloatImage, axis: int) -> FloatImage:
    """Second difference along an axis, per px²."""
    kernel = np.array([[1, -2, 1]], np.float32)
    return _filtered(image_HW, kernel if axis else kernel.T)


def _filtered(image_HW: FloatImage, kernel: FloatImage) -> FloatImage:
    return np.asarray(cv2.filter2D(image_HW, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)


def _noise_of(image_HW: FloatImage) -> float:
    """Noise of one image: differences across diagonals cancel slopes and edges along the axes."""
    diagonal = image_HW[:-1, :-1] - image_HW[1:, :-1] - image_HW[:-1, 1:] + image_HW[1:, 1:]
    return _spread(diagonal[::2, ::2]) / 2


def _spread(values: FloatImage) -> float:
    """Standard deviation of the bulk of the values, from the median of their amounts."""
    return max(_MAD_TO_DEVIATION * float(np.median(np.abs(values))), 1e-6)


def _by_block(operation: np.ufunc, image_HW: FloatImage) -> FloatImage:
    """An operation over each block of 16 x 16; the last blocks may be smaller."""
    down = operation.reduceat(image_HW, np.arange(0, image_HW.shape[0], _BLOCK), axis=0)
    return np.asarray(operation.reduceat(down, np.arange(0, image_HW.shape[1], _BLOCK), axis=1), np.float32)


def _block_sums(image_HW: FloatImage) -> FloatImage:
    return _by_block(np.add, image_HW)


def _quartered(sums: FloatImage) -> FloatImage:
    """Sums over 2 x 2 blocks; the last ones may be fewer."""
    down = np.add.reduceat(sums, np.arange(0, sums.shape[0], 2), axis=0)
    return np.asarray(np.add.reduceat(down, np.arange(0, sums.shape[1], 2), axis=1), np.float32)
