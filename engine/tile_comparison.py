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

from collections.abc import Sequence
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
RIM_SLOPE = 0.05
"""Slope of the blurred probability per halved pixel from which on there is an outline."""
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
    blur_px: float = 0.6
    """Largest change of focus, as blur added or taken away (standard deviation, px), that is no change."""
    gain: float = 0.1
    """Largest relative change of contrast that is still light."""
    offset: float = 0.5
    """Largest change of level that is still light, in standard deviations of the image."""


@dataclass(frozen=True)
class Verdict:
    """What a comparison found."""

    why: str
    """`spot`, `unrest`, `front`, `shift`, `light` or `focus`; empty where nothing changed."""
    blocks: Mask
    """Which blocks of 32 px changed, bool (rows, columns); all of them for shift, light and focus."""
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
        self._shape = self._half_HW.shape
        noise = max(_noise_of(self._half_HW), LEAST_NOISE)
        # Slopes at full size: halved first, sharp edges would be steeper than their differences say.
        slope_x_HW, slope_y_HW = _slopes(tile_HW)
        half_x_HW, half_y_HW = halved(slope_x_HW), halved(slope_y_HW)
        steepness_HW = half_x_HW**2 + half_y_HW**2
        # Only edges tell of shifts and fronts, and they are few: what concerns them is kept for them alone.
        self._edges_E = np.flatnonzero(steepness_HW > (STEEP * noise) ** 2)
        steepness_E = steepness_HW.ravel()[self._edges_E]
        self._calm = np.float32(1 / (np.sqrt(2) * noise))
        self._weight_E = 1 / np.sqrt(2 * noise**2 + EDGE_ERROR_PX**2 * steepness_E)
        self._steepness_E = np.sqrt(steepness_E) * self._weight_E
        bends = (_bend(tile_HW, 1), _bend(tile_HW, 0), _slopes(slope_x_HW)[1])
        columns = [half_x_HW, half_y_HW, *(halved(each) for each in bends)]
        self._edge_basis_KE = self._at_edges(columns) * self._weight_E
        self._advance_E = self._advance(halved(crystal_HW), half_x_HW, half_y_HW)
        # Noise must not stand in for contrast, or its absence in the next image would be less contrast.
        contrast_HW = self._half_HW * (np.abs(self._half_HW) > CONTRAST * noise) * self._calm
        self._contrast_N = contrast_HW.ravel()
        self._contrast_N[self._edges_E] *= self._weight_E / self._calm
        self._blocks_E = _block_numbers(self._edges_E, self._shape)
        self._grid = (-(-self._shape[0] // _BLOCK), -(-self._shape[1] // _BLOCK))
        self._front_weight = self._sums_by_block(self._advance_E**2)
        self._invert()

    def _at_edges(self, images: Sequence[FloatImage]) -> FloatImage:
        return np.stack([image.ravel()[self._edges_E] for image in images])

    def _advance(self, crystal_HW: FloatImage, slope_x_HW: FloatImage, slope_y_HW: FloatImage) -> FloatImage:
        """What an advance of all outlines by 1 px changes at the edges, weighed."""
        inwards_x, inwards_y = self._at_edges(_slopes(np.asarray(cv2.blur(crystal_HW, (3, 3)), np.float32)))
        slope_x, slope_y = self._at_edges((slope_x_HW, slope_y_HW))
        length = np.sqrt(inwards_x**2 + inwards_y**2)
        rim = np.where(length > RIM_SLOPE, 1 / np.maximum(length, RIM_SLOPE), 0)
        return np.asarray((slope_x * inwards_x + slope_y * inwards_y) * rim * self._weight_E, np.float32)

    def _invert(self) -> None:
        """Invert the normal equations of offset, gain, shift and bends, with and without the fronts' advance."""
        ones_N = np.full(self._contrast_N.shape, self._calm)
        ones_N[self._edges_E] = self._weight_E
        dense_KN = np.stack([ones_N, self._contrast_N])
        sparse_KE = np.vstack([self._edge_basis_KE, self._advance_E])
        gram = np.empty((_FITTED + 1, _FITTED + 1))
        gram[:2, :2] = dense_KN @ dense_KN.T
        gram[2:, 2:] = sparse_KE @ sparse_KE.T
        gram[:2, 2:] = dense_KN[:, self._edges_E] @ sparse_KE.T
        gram[2:, :2] = gram[:2, 2:].T
        # A tile without features says nothing of shift, gain or fronts: a weak pull keeps them at zero.
        gram[np.diag_indices(_FITTED + 1)] += np.array([1e-9, GAIN_PULL, *[SHIFT_PULL] * (_FITTED - 1)])
        self._inverse = np.linalg.inv(gram)
        self._inverse_fitted = np.linalg.inv(gram[:_FITTED, :_FITTED])

    def compare(self, half_HW: FloatImage, limits: Tolerances) -> Verdict:
        """Whether the same tile of another image, halved, shows something else."""
        rest_HW = (half_HW - self._half_HW) * self._calm
        rest_N = rest_HW.ravel()
        level = self._calm * (float(rest_N.sum()) - float(rest_N[self._edges_E].sum()))
        raw_E = rest_N[self._edges_E] * (self._weight_E / self._calm)
        rest_N[self._edges_E] = raw_E
        products = np.empty(_FITTED + 1)
        products[0] = level + float(raw_E @ self._weight_E)
        products[1] = float(rest_N @ self._contrast_N)
        products[2:_FITTED] = self._edge_basis_KE @ raw_E
        products[_FITTED] = float(self._advance_E @ raw_E)
        fitted = self._inverse_fitted @ products[:_FITTED]
        front_px = float(self._inverse[_FITTED] @ products)
        squared_shift = float(fitted[2] ** 2 + fitted[3] ** 2)
        shift_px = float(np.sqrt(squared_shift))
        if shift_px > limits.shift_px:
            return Verdict("shift", np.ones(self._grid, bool), front_px, shift_px)
        if abs(fitted[1]) > limits.gain or abs(fitted[0]) > limits.offset:
            return Verdict("light", np.ones(self._grid, bool), front_px, shift_px)
        if self._refocused(fitted, limits):
            return Verdict("focus", np.ones(self._grid, bool), front_px, shift_px)
        rest_N -= np.float32(fitted[0]) * self._calm
        rest_N -= np.float32(fitted[1]) * self._contrast_N
        explained_E = fitted[2:].astype(np.float32) @ self._edge_basis_KE
        explained_E += np.float32(fitted[0]) * (self._weight_E - self._calm)
        rest_N[self._edges_E] -= explained_E
        spread = _spread(rest_HW[1::3, ::3])
        rest_N *= np.float32(1 / spread)
        edge_error = np.float32(SHIFT_ERROR_PER_PX * squared_shift / spread)
        rest_N[self._edges_E] /= np.sqrt(1 + (edge_error * self._steepness_E) ** 2)
        front_error_px = spread * float(np.sqrt(self._inverse[_FITTED, _FITTED]))
        why, blocks = self._changed_blocks(rest_HW, limits)
        if not why and abs(front_px) > max(limits.front_px, limits.deviations * front_error_px):
            why, blocks = "front", self._front_weight > 0
        return Verdict(why, blocks, front_px, shift_px)

    def _refocused(self, fitted: npt.NDArray[np.float64], limits: Tolerances) -> bool:
        """Whether edges became softer or sharper than vibration makes them.

        A blur of standard deviation b adds b²/2 times the second difference, as a shift by s adds s²/2.
        """
        softer = fitted[4:6] - fitted[2:4] ** 2 / 2
        unsure = limits.deviations * np.sqrt(np.diag(self._inverse_fitted)[4:6])
        return bool((np.abs(softer) - unsure > limits.blur_px**2 / 2).any())

    def _changed_blocks(self, rest_HW: FloatImage, limits: Tolerances) -> tuple[str, Mask]:
        # The mean of four halved pixels is half as noisy as one.
        spots_HW = np.asarray(cv2.blur(rest_HW, (2, 2)), np.float32)
        spot_limit = SPOT_MARGIN * limits.deviations / 2
        least, largest, _, _ = cv2.minMaxLoc(spots_HW)
        if max(-least, largest) > spot_limit:
            return "spot", _by_block(np.maximum, np.abs(spots_HW)) > spot_limit
        unrest = _block_sums(rest_HW**2) / _BLOCK**2 - 1
        unrest_limit = UNREST_MARGIN * limits.deviations * np.sqrt(2) / _BLOCK
        if float(unrest.max()) > unrest_limit:
            return "unrest", unrest > unrest_limit
        moved = self._sums_by_block(rest_HW.ravel()[self._edges_E] * self._advance_E)
        weight = self._front_weight
        for scale in range(FRONT_SCALES):
            noise = limits.deviations * np.sqrt(np.maximum(weight, 1e-9))
            beyond = np.abs(moved) > np.maximum(noise, 2 * limits.front_px * weight)
            if beyond.any():
                blocks = np.kron(beyond, np.ones((2**scale, 2**scale), bool))
                return "front", blocks[: self._grid[0], : self._grid[1]]
            moved, weight = _quartered(moved), _quartered(weight)
        return "", np.zeros(self._grid, bool)

    def _sums_by_block(self, values_E: FloatImage) -> FloatImage:
        rows, columns = self._grid
        sums = np.bincount(self._blocks_E, values_E, minlength=rows * columns)
        return np.asarray(sums.reshape(rows, columns), np.float32)


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


def _block_numbers(at_E: npt.NDArray[np.intp], shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Number of the block, row by row, in which each flat position lies."""
    row, column = np.divmod(at_E, shape[1])
    return np.asarray(row // _BLOCK * -(-shape[1] // _BLOCK) + column // _BLOCK)


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
