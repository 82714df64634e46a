"""Shapes of single crystals: a ring of faces, each growing outward at its own rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_PROFILE_ANGLES = 2048
_SHARP = 0
_CENTRE = 1e-6
_ANGLES = np.linspace(0, 2 * np.pi, _PROFILE_ANGLES, endpoint=False)
_COSINES, _SINES = np.cos(_ANGLES).astype(np.float32), np.sin(_ANGLES).astype(np.float32)
FRINGE_PX = np.float32(1.5)


class GaugeField(NamedTuple):
    """Gauge of a shape over a patch of pixels.

    Attributes:
        gauge: float32, px; the area-equivalent radius at which the outline reaches the pixel.
        steepness: float32, per px/px; outline's inward distance per unit of radius (1/|grad gauge|).
        face: intp; index of the face that reaches the pixel last.
        fringe_gauge, fringe_steepness: as gauge and steepness, of the face that is farthest from the
            pixel while the outline is `FRINGE_PX` short of it; past sharp corners it is not `face`.
    """

    gauge: npt.NDArray[np.float32]
    steepness: npt.NDArray[np.float32]
    face: npt.NDArray[np.intp]
    fringe_gauge: npt.NDArray[np.float32]
    fringe_steepness: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """A convex outline that grows without changing its proportions.

    The outline of area-equivalent radius r is {x : gauge(x) <= r}, and its area is pi r^2.
    With `rounding` 0 the gauge is max_i(n_i.x / h_i), a polygon of the faces i; otherwise it is
    the p-norm of the positive n_i.x / h_i with p = `rounding`, which rounds the corners (four
    faces and p = 2 give an ellipse).

    Attributes:
        normals: float32, (faces, 2); outward unit normals (x, y).
        rates: float32, (faces,); face distance from the centre at area-equivalent radius 1.
        rounding: 0 for sharp corners, else an even power of two.
        reach: largest distance of the outline from the centre at area-equivalent radius 1.
    """

    normals: npt.NDArray[np.float32]
    rates: npt.NDArray[np.float32]
    rounding: int
    reach: float

    def gauge(self, x_px: npt.NDArray[np.float32], y_px: npt.NDArray[np.float32]) -> GaugeField:
        """Gauge, steepness and face at offsets from the centre, any equal shapes, px."""
        shape = x_px.shape
        scaled = self.normals / self.rates[:, None]
        reached = scaled[:, :1] * x_px.reshape(1, -1)
        reached += scaled[:, 1:] * y_px.reshape(1, -1)
        face = np.argmax(reached, axis=0)
        if self.rounding != _SHARP:
            norm, steepness = self._rounded(reached, scaled)
            gauge, steepness = norm.reshape(shape), steepness.reshape(shape)
            return GaugeField(gauge, steepness, face.reshape(shape), gauge, steepness)
        gauge = np.maximum(reached.max(axis=0), np.float32(_CENTRE))
        steepness = self.rates[face]
        beyond = np.argmax(self.rates[:, None] * (reached - gauge + FRINGE_PX / steepness), axis=0)
        passed = np.take_along_axis(reached, beyond[None], axis=0)[0]
        return GaugeField(
            gauge.reshape(shape),
            steepness.reshape(shape),
            face.reshape(shape),
            passed.reshape(shape),
            self.rates[beyond].reshape(shape),
        )

    def _rounded(
        self, reached: npt.NDArray[np.float32], scaled: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        highest = np.maximum(reached.max(axis=0), np.float32(_CENTRE))
        ratio = np.maximum(reached, 0)
        ratio /= highest
        ratio[0][highest <= np.float32(_CENTRE)] = 1  # at the very centre every direction is as good
        power = ratio * ratio
        below = ratio
        exponent = 2
        while exponent < self.rounding:
            below = below * power
            power = power * power
            exponent *= 2
        total = power.sum(axis=0)
        norm = np.sqrt(total)
        exponent = 2
        while exponent < self.rounding:
            norm = np.sqrt(norm)
            exponent *= 2
        # d(gauge)/d(reached_i) = (reached_i / gauge)^(p-1); `below` holds ratio^(p-1)
        slope_x, slope_y = scaled.T @ below
        steepness = total / (norm * np.sqrt(slope_x * slope_x + slope_y * slope_y))
        return highest * norm, steepness

    def outline(self, points: int = 256) -> npt.NDArray[np.float64]:
        """Outline at area-equivalent radius 1 as (points, 2) x, y; equal steps of angle."""
        angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
        x, y = np.cos(angle), np.sin(angle)
        field = self.gauge(x.astype(np.float32), y.astype(np.float32))
        return np.stack([x / field.gauge, y / field.gauge], axis=1)


def shape_from_faces(
    angles_rad: npt.NDArray[np.float64], distances: npt.NDArray[np.float64], rounding: int = _SHARP
) -> Shape:
    """Shape whose faces have the given normal directions and relative distances (growth rates)."""
    normals = np.stack([np.cos(angles_rad), np.sin(angles_rad)], axis=1).astype(np.float32)
    rates = np.asarray(distances, dtype=np.float32)
    raw = Shape(normals, rates, rounding, 1.0)
    # a smooth outline needs few angles: the mean over a period converges exponentially
    few = 1 if rounding == _SHARP else _PROFILE_ANGLES // max(256, min(16 * rounding, _PROFILE_ANGLES))
    gauge = raw.gauge(_COSINES[::few], _SINES[::few]).gauge
    radius = 1 / gauge.astype(np.float64)
    area = 0.5 * float(np.mean(radius * radius)) * 2 * np.pi
    scale = float(np.sqrt(np.pi / area))
    return Shape(normals, (rates * scale).astype(np.float32), rounding, float(radius.max()) * scale)
