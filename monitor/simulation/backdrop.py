"""Everything behind and beside the crystals: light, grid, blurred bodies, dust, fibres, walls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitor.simulation.grain import noise_field

if TYPE_CHECKING:
    import numpy.typing as npt

_SHIFT = 4
_ONE = 1 << _SHIFT
_COARSE = 4
# blur and share of each class of out-of-focus bodies, their sizes from and to; blur and sizes in px / 4, px
_BLURS = ((1.3, 0.4, 5.0, 28.0), (2.6, 0.35, 12.0, 70.0), (6.0, 0.25, 30.0, 200.0))


def uneven_light(
    rng: np.random.Generator, height_px: int, width_px: int, gradient: float, vignette: float
) -> npt.NDArray[np.float32]:
    """Illumination around 1, (height, width) float32: a slope, slow waves and a vignette."""
    y = np.linspace(-1, 1, height_px, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width_px, dtype=np.float32)[None, :]
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.float32(gradient * np.cos(angle)) * x + np.float32(gradient * np.sin(angle)) * y
    offset_x, offset_y = rng.uniform(-0.5, 0.5, 2).astype(np.float32)
    dark = np.float32(vignette) * ((x - offset_x) ** 2 + (y - offset_y) ** 2) / 2
    slow = np.float32(gradient * 0.3) * noise_field(rng, height_px, width_px, max(height_px, width_px) / 2)
    return np.asarray(np.maximum(1 + slope + slow - dark, 0.15), np.float32)


def grid_texture(
    rng: np.random.Generator, height_px: int, width_px: int, strength: float
) -> npt.NDArray[np.float32]:
    """Grid of faint lines (compression blocks, a sensor's pattern), zero mean, float32."""
    period = rng.uniform(8, 24)
    rows = np.sin(2 * np.pi * np.arange(height_px) / period + rng.uniform(0, 6)) > 0
    columns = np.sin(2 * np.pi * np.arange(width_px) / period + rng.uniform(0, 6)) > 0
    grid = rows[:, None].astype(np.float32) + columns[None, :].astype(np.float32) - 1
    fine = np.float32(0.5) * rng.standard_normal(height_px, dtype=np.float32)[:, None]
    return np.asarray(strength * (cv2.GaussianBlur(grid, (0, 0), 1.0) + fine), np.float32)


def blurred_bodies(
    rng: np.random.Generator, height_px: int, width_px: int, count: int, largest_px: float
) -> npt.NDArray[np.float32]:
    """Transmission of bodies far out of focus (never labelled), (height, width) float32."""
    rows, columns = height_px // _COARSE + 1, width_px // _COARSE + 1
    total = np.ones((rows, columns), np.float32)
    for sigma, share, smallest, most in _BLURS:
        layer = np.full((rows, columns), 255, np.uint8)
        for _ in range(rng.poisson(count * share)):
            size = np.exp(rng.uniform(np.log(smallest), np.log(min(largest_px, most)))) / _COARSE
            centre = rng.uniform(0, 1, 2) * (columns, rows)
            level = int(255 * (1 - rng.uniform(0.08, 0.65)))
            axes = (size * rng.uniform(0.35, 0.55), size * rng.uniform(0.35, 0.55))
            _ellipse(layer, centre, axes, rng.uniform(0, 180), level, -1)
            if rng.random() < 0.4:
                _ellipse(layer, centre, (axes[0] * 0.5, axes[1] * 0.4), rng.uniform(0, 180), 235, -1)
        total *= cv2.GaussianBlur(layer, (0, 0), sigma * rng.uniform(0.8, 1.3)).astype(np.float32) / 255
    scaled = cv2.resize(total, (columns * _COARSE, rows * _COARSE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled[:height_px, :width_px], np.float32)


def _ellipse(
    layer: npt.NDArray[np.uint8],
    centre: npt.NDArray[np.float64],
    axes: tuple[float, float],
    angle: float,
    level: int,
    thickness: int,
) -> None:
    cv2.ellipse(
        layer,
        (int(centre[0] * _ONE), int(centre[1] * _ONE)),
        (max(1, int(axes[0] * _ONE)), max(1, int(axes[1] * _ONE))),
        float(angle),
        0.0,
        360.0,
        level,
        thickness,
        cv2.LINE_AA,
        _SHIFT,
    )


def dust(rng: np.random.Generator, layer_HW: npt.NDArray[np.uint8], count: int) -> None:
    """Draw specks of 1 to 5 px into a transmission layer (255 = clear), in place."""
    height, width = layer_HW.shape
    for _ in range(count):
        centre = rng.uniform(0, 1, 2) * (width, height)
        axes = (rng.uniform(0.4, 2.2), rng.uniform(0.4, 1.6))
        _ellipse(layer_HW, centre, axes, rng.uniform(0, 180), int(rng.uniform(30, 220)), -1)


def fibres(rng: np.random.Generator, layer_HW: npt.NDArray[np.uint8], count: int) -> None:
    """Draw curled fibres and scratches into a transmission layer, in place."""
    height, width = layer_HW.shape
    for _ in range(count):
        steps = int(rng.integers(12, 40))
        length = rng.uniform(0.1, 0.9) * width / steps
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.01, 0.25), steps))
        start = rng.uniform(0, 1, 2) * (width, height)
        points = start + length * np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), axis=0)
        level = int(rng.uniform(40, 210))
        cv2.polylines(
            layer_HW,
            [(points * _ONE).astype(np.int32)],
            False,
            level,
            int(rng.integers(1, 3)),
            cv2.LINE_AA,
            _SHIFT,
        )


def precipitate(
    rng: np.random.Generator, height_px: int, width_px: int, strength: float
) -> npt.NDArray[np.float32]:
    """Fine granular cloud (precipitate, oil) as a transmission, patchy, (height, width) float32."""
    grain = noise_field(rng, height_px, width_px, rng.uniform(1.0, 2.5))
    cloud = noise_field(rng, height_px, width_px, rng.uniform(25, 80))
    patch = np.clip(cloud - rng.uniform(-0.5, 0.8), 0, 1.2)
    return np.asarray(1 - strength * patch * np.clip(grain + 0.3, -0.6, 1.5), np.float32)


def drop_and_wall(rng: np.random.Generator, height_px: int, width_px: int) -> npt.NDArray[np.float32]:
    """Transmission of a drop's edge and, at times, the dark wall of a plate's well, float32."""
    layer = np.full((height_px, width_px), 255, np.uint8)
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    size = max(height_px, width_px)
    if rng.random() < 0.75:
        centre = rng.uniform(0.1, 0.9, 2) * (width_px, height_px)
        radius = size * rng.uniform(0.3, 1.1)
        wobble = np.ones_like(angle)
        for wave in range(2, 6):
            wobble += rng.normal(0, 0.05 / wave) * np.cos(wave * angle + rng.uniform(0, 6))
        points = centre + (radius * wobble)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        drop = [(points * _ONE).astype(np.int32)]
        cv2.fillPoly(layer, drop, int(rng.uniform(200, 250)), cv2.LINE_AA, _SHIFT)
        edge = int(rng.uniform(20, 170))
        cv2.polylines(layer, drop, True, edge, int(rng.integers(1, 7)), cv2.LINE_AA, _SHIFT)
        if rng.random() < 0.5:
            inner = [((centre + (points - centre) * 0.975) * _ONE).astype(np.int32)]
            cv2.polylines(layer, inner, True, int(rng.uniform(120, 200)), 1, cv2.LINE_AA, _SHIFT)
    if rng.random() < 0.5:
        wall = int(rng.uniform(8, 70))
        side = rng.integers(4)
        depth = int(size * rng.uniform(0.04, 0.25))
        ragged = rng.normal(0, 1.5, size + 2).cumsum() * 0.3
        along = np.arange(size + 2)
        inner_edge = np.stack([along, depth + ragged], 1)
        outline = np.concatenate([inner_edge, [[size + 2, -9], [-9, -9]]])
        if side in {1, 3}:
            outline = outline[:, ::-1]
        if side == 2:
            outline[:, 1] = height_px - outline[:, 1]
        if side == 3:
            outline[:, 0] = width_px - outline[:, 0]
        cv2.fillPoly(layer, [(outline * _ONE).astype(np.int32)], wall, cv2.LINE_AA, _SHIFT)
    soft = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.6, 2.5))
    return soft.astype(np.float32) / np.float32(255)


def annotate(
    rng: np.random.Generator, image_HW: npt.NDArray[np.uint8], text: str | None, bar_px: int
) -> npt.NDArray[np.bool_]:
    """Burn a text and a scale bar of `bar_px` (0: none) into the image, in place.

    Returns (height, width) bool: what the bar and the text's box hide (thin letters hide nothing).
    """
    height, width = image_HW.shape
    hidden = np.zeros(image_HW.shape, np.bool_)
    light = 255 if image_HW.mean() < 200 or rng.random() < 0.5 else 0
    if text is not None:
        scale = rng.uniform(0.35, 0.8)
        at = (int(rng.uniform(0.02, 0.5) * width), int(rng.uniform(0.06, 0.2) * height))
        if rng.random() < 0.5:
            at = (at[0], height - 8)
        face = cv2.FONT_HERSHEY_SIMPLEX
        if rng.random() < 0.3:
            (wide, tall), _ = cv2.getTextSize(text, face, scale, 1)
            top, left = max(0, at[1] - tall - 3), max(0, at[0] - 3)
            box = (slice(top, at[1] + 5), slice(left, at[0] + wide + 4))
            image_HW[box] = 255 - light
            hidden[box] = True
        cv2.putText(image_HW, text, at, face, scale, light, int(rng.integers(1, 3)), cv2.LINE_AA)
    if bar_px > 0:
        thick = int(rng.integers(3, 18))
        left = max(0, int(rng.uniform(0.3, 1.0) * (width - bar_px * 0.8)))
        top = int(rng.uniform(0.8, 0.95) * height)
        bar = (slice(top, top + thick), slice(left, left + bar_px))
        image_HW[bar] = light
        hidden[bar] = True
    return hidden
