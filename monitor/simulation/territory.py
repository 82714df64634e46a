"""Which body owns each pixel, and when its outline gets there.

Bodies grow until they impinge, so a pixel belongs to whichever outline arrives first: the maps
below hold at all times of a run, and a frame is one look-up of the radii of its moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.simulation.body import Body

FAR_PX = 1e4
_FRINGE_PX = 8.0


@dataclass(frozen=True)
class Territory:
    """Static maps of a field, each (height, width).

    Attributes:
        owner_HW: int32; index of the body in the list plus 1, 0 where none comes near.
        gauge_HW: float32, px; radius at which the owner's outline reaches the pixel.
        steepness_HW: float32; distance inward per unit of radius.
        fringe_HW, fringe_steepness_HW: float32; as gauge and steepness, for the fringe outside.
        face_HW: float32; the owner's facet shade, about N(0, 1).
        core_HW: float32, px; radius at which the owner's bright core reaches the pixel.
        boundary_HW: float32, px; distance to the line where two bodies impinge.
    """

    owner_HW: npt.NDArray[np.int32]
    gauge_HW: npt.NDArray[np.float32]
    steepness_HW: npt.NDArray[np.float32]
    fringe_HW: npt.NDArray[np.float32]
    fringe_steepness_HW: npt.NDArray[np.float32]
    face_HW: npt.NDArray[np.float32]
    core_HW: npt.NDArray[np.float32]
    boundary_HW: npt.NDArray[np.float32]


def claim_territory(
    bodies: Sequence[Body],
    height_px: int,
    width_px: int,
    keep_connected: bool = False,
    but_not_HW: npt.NDArray[np.int32] | None = None,
) -> Territory:
    """Share the pixels among the bodies by first arrival.

    With `keep_connected`, what a body could only reach through another one (needles) is nobody's.
    With `but_not_HW` (an owner map), each pixel goes to the first of the others: the runner-up.
    """
    arrival = np.full((height_px, width_px), np.inf, np.float32)
    owner = np.zeros((height_px, width_px), np.int32)
    gauge = np.full((height_px, width_px), FAR_PX, np.float32)
    steepness = np.ones((height_px, width_px), np.float32)
    fringe = np.full((height_px, width_px), FAR_PX, np.float32)
    fringe_steepness = np.ones((height_px, width_px), np.float32)
    face = np.zeros((height_px, width_px), np.float32)
    core = np.full((height_px, width_px), FAR_PX, np.float32)
    for index, body in enumerate(bodies, start=1):
        reach = body.shape.reach * body.radius_px + _FRINGE_PX
        left, right = max(0, int(body.x_px - reach)), min(width_px, int(body.x_px + reach) + 2)
        top, bottom = max(0, int(body.y_px - reach)), min(height_px, int(body.y_px + reach) + 2)
        if left >= right or top >= bottom:
            continue
        window = (slice(top, bottom), slice(left, right))
        x = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(body.x_px)
        y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(body.y_px)
        x, y = np.broadcast_arrays(x, y)
        reached = body.shape.gauge(x, y)
        when = _arrival(body, reached.gauge)
        first = when < arrival[window]
        first &= (reached.gauge - np.float32(body.radius_px)) * reached.steepness < _FRINGE_PX
        if but_not_HW is not None:
            first &= but_not_HW[window] != index
        if not first.any():
            continue
        np.copyto(arrival[window], when, where=first)
        np.copyto(owner[window], np.int32(index), where=first)
        np.copyto(gauge[window], reached.gauge, where=first)
        np.copyto(steepness[window], reached.steepness, where=first)
        look = body.look
        if look.halo:
            np.copyto(fringe[window], reached.fringe_gauge, where=first)
            np.copyto(fringe_steepness[window], reached.fringe_steepness, where=first)
        if look.facets or look.core:
            random = np.random.default_rng(body.seed)
            shade = random.standard_normal(len(body.shape.rates)).astype(np.float32)
            np.copyto(face[window], shade[reached.face], where=first)
            if look.core:
                np.copyto(core[window], _core(body, x, y, reached.gauge), where=first)
    if keep_connected:
        _drop_severed(owner, gauge, bodies)
    boundary = _boundary_distance(owner, gauge, bodies)
    return Territory(owner, gauge, steepness, fringe, fringe_steepness, face, core, boundary)


def _arrival(body: Body, gauge: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if body.factor > 0:
        return gauge / np.float32(body.factor) + np.float32(body.birth)
    # a body that never grows holds its own ground, and nothing beyond it that another one reaches
    return np.where(gauge <= body.radius_px, np.float32(-FAR_PX), gauge + np.float32(FAR_PX))


def _core(
    body: Body,
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32],
    gauge: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    look = body.look
    top_face = gauge / np.float32(look.core_size)
    if look.core_slit >= 1:
        return top_face
    nearest = int(np.argmin(body.shape.rates))
    normal_x, normal_y = body.shape.normals[nearest]
    width = np.float32(look.core_slit * look.core_size * body.shape.rates[nearest])
    across: npt.NDArray[np.float32] = np.abs(normal_x * x + normal_y * y) / width
    return np.asarray(np.maximum(across, top_face), np.float32)


def _final_radius(bodies: Sequence[Body]) -> npt.NDArray[np.float32]:
    return np.array([-FAR_PX, *(body.radius_px for body in bodies)], np.float32)


def _drop_severed(
    owner: npt.NDArray[np.int32], gauge: npt.NDArray[np.float32], bodies: Sequence[Body]
) -> None:
    regions = occupied(owner, gauge, bodies)
    inside = regions > 0
    height, width = owner.shape
    for index, body in enumerate(bodies, start=1):
        x, y = round(body.x_px), round(body.y_px)
        if 0 <= x < width and 0 <= y < height and regions[y, x] == index:
            cv2.floodFill(regions, None, (x, y), -index, flags=8)
        else:
            # its centre is out of view: no piece can be told from another
            regions[regions == index] = -index
    severed = regions > 0
    if not severed.any():
        return
    # the fringe around a severed piece goes with it
    ring = np.ones((int(2 * _FRINGE_PX) + 1,) * 2, np.uint8)
    severed |= (cv2.dilate(severed.astype(np.uint8), ring) > 0) & ~inside
    owner[severed] = 0
    gauge[severed] = FAR_PX


def occupied(
    owner_HW: npt.NDArray[np.int32], gauge_HW: npt.NDArray[np.float32], bodies: Sequence[Body]
) -> npt.NDArray[np.int32]:
    """Owner of each pixel that is inside its owner's largest outline, else 0; (height, width) int32."""
    return np.where(gauge_HW < _final_radius(bodies)[owner_HW], owner_HW, 0).astype(np.int32)


def _boundary_distance(
    owner: npt.NDArray[np.int32], gauge: npt.NDArray[np.float32], bodies: Sequence[Body]
) -> npt.NDArray[np.float32]:
    regions = occupied(owner, gauge, bodies)
    away = np.ones(owner.shape, np.uint8)
    for first, second, low, high in (
        (regions[:, :-1], regions[:, 1:], away[:, :-1], away[:, 1:]),
        (regions[:-1], regions[1:], away[:-1], away[1:]),
    ):
        border = (first != second) & (first > 0) & (second > 0)
        low[border] = 0
        high[border] = 0
    if away.all():
        return np.full(owner.shape, FAR_PX, np.float32)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, 3)
    return distance.astype(np.float32) + np.float32(0.5)
