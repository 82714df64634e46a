"""Bright-field picture of the bodies: transmission of light through outlines, rims and facets.

The outline is the outer edge of the dark rim: the rim lies wholly inside the outline. At a faceted
crystal the half-way point of the edge (before the optics blur it) is the outline itself; a rounded
body thins out towards its outline, so that its darkening is half-way a little inside.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from monitor.simulation.body import Look
from monitor.simulation.grain import noise_field
from monitor.simulation.shape import FRINGE_PX
from monitor.simulation.territory import FAR_PX, Territory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.simulation.body import Body

_LEVELS = attrgetter(*(item.name for item in fields(Look)))
_LOOK_COLUMN = {item.name: column for column, item in enumerate(fields(Look))}


@dataclass(frozen=True)
class Layer:
    """Bodies in view at one moment.

    Attributes:
        transmission_HW: float32; factor on the background's light.
        depth_HW: float32, px; distance inward from the owner's outline, negative outside.
        labels_HW: int32; identity of the crystal, 0 for background.
    """

    transmission_HW: npt.NDArray[np.float32]
    depth_HW: npt.NDArray[np.float32]
    labels_HW: npt.NDArray[np.int32]


class BrightField:
    """Bodies of a field, ready to be shown at any radii.

    Only the pixels that some body comes near are kept, as flat arrays.
    """

    def __init__(
        self,
        bodies: Sequence[Body],
        territory: Territory,
        seed: int,
        pair_HW: npt.NDArray[np.int32] | None = None,
    ) -> None:
        """Prepare the flat look-up arrays; `seed` is that of the texture, `pair_HW` of `Contacts`."""
        owner_flat = territory.owner_HW.ravel()
        height, width = territory.owner_HW.shape
        self._shape = (height, width)
        self._where = np.flatnonzero(owner_flat)
        self._owner = owner_flat[self._where]
        self._gauge = territory.gauge_HW.ravel()[self._where]
        self._steepness = territory.steepness_HW.ravel()[self._where]
        self._fringe = territory.fringe_HW.ravel()[self._where]
        self._fringe_steepness = territory.fringe_steepness_HW.ravel()[self._where]
        self._core = territory.core_HW.ravel()[self._where]
        self._boundary = territory.boundary_HW.ravel()[self._where]
        self._pair = None if pair_HW is None else pair_HW.ravel()[self._where]
        self.identities = np.array([0, *(body.identity for body in bodies)], np.int32)
        table = np.array([_LEVELS(Look()), *(_LEVELS(body.look) for body in bodies)], np.float32)
        self._table = table
        self._flags = {name: bool(table[1:, column].any()) for name, column in _LOOK_COLUMN.items()}
        self._interior = self._column("interior")
        if self._flags["facets"]:
            self._interior = (
                self._interior + self._column("facets") * (territory.face_HW.ravel()[self._where])
            )
        if self._flags["ripple"]:
            self._interior = self._interior * (1 + self._ripples(seed))
        self._inverse_rim_width = 1 / self._column("rim_width_px")
        self._rim = self._column("rim")
        self._halo = self._column("halo")
        self._sharpness = 1 / (1 + self._column("softness_px"))
        self._offset = np.float32(0.5) - self._column("inset_px") * self._sharpness
        self._contact = self._contact_line()

    def _column(self, name: str) -> npt.NDArray[np.float32]:
        return self._table[:, _LOOK_COLUMN[name]][self._owner]

    def _ripples(self, seed: int) -> npt.NDArray[np.float32]:
        random = np.random.default_rng(seed)
        height, width = self._shape
        wander = noise_field(random, height, width, 12.0).ravel()[self._where]
        strength = noise_field(random, height, width, 20.0).ravel()[self._where]
        fine = noise_field(random, height, width, 1.2).ravel()[self._where]
        phase = 2 * np.pi * self._gauge * self._steepness / self._column("ripple_px") + 2.0 * wander
        wave = np.sin(phase) * np.clip(0.6 + 0.5 * strength, 0, 1.5) + 0.7 * fine
        return np.asarray(self._column("ripple") * wave, np.float32)

    def _contact_line(self) -> npt.NDArray[np.float32]:
        if not self._flags["contact"]:
            return np.zeros(len(self._where), np.float32)
        scaled = self._boundary * np.maximum(self._inverse_rim_width, 0.5)
        return np.asarray(self._column("contact") / (1 + scaled**4), np.float32)

    def depth(self, radii_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Flat depth inside the outlines for the radii of all bodies (index 0: body 1), px."""
        inside = _by_owner(radii_px)[self._owner]
        inside -= self._gauge
        inside *= self._steepness
        return inside

    def spread(self, values: npt.NDArray[np.float32], elsewhere: float) -> npt.NDArray[np.float32]:
        """Flat values on the whole field, (height, width) float32."""
        whole = np.full(self._shape[0] * self._shape[1], elsewhere, np.float32)
        whole[self._where] = values
        return whole.reshape(self._shape)

    def transmission(
        self,
        radii_px: npt.NDArray[np.float64],
        depth: npt.NDArray[np.float32],
        faded: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Factor on the background's light, (height, width) float32, for radii and flat depth, px.

        `faded` (pairs + 1) says which contact lines of `pair_HW` are no longer there.
        """
        contact = self._contact
        if faded is not None and self._pair is not None:
            contact = np.where(faded[self._pair], np.float32(0), contact)
        return self.spread(self._light(depth, radii_px, contact), 1.0)

    def layer(self, radii_px: npt.NDArray[np.float64]) -> Layer:
        """Transmission, depth and labels for the radii given, px."""
        depth = self.depth(radii_px)
        labels = np.zeros(self._shape[0] * self._shape[1], np.int32)
        labels[self._where] = np.where(depth > 0, self.identities[self._owner], 0)
        return Layer(
            self.transmission(radii_px, depth), self.spread(depth, -FAR_PX), labels.reshape(self._shape)
        )

    def _light(
        self,
        depth: npt.NDArray[np.float32],
        radii_px: npt.NDArray[np.float64],
        contact: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        coverage = depth * self._sharpness
        coverage += self._offset
        np.clip(coverage, 0, 1, out=coverage)
        level = self._interior
        radius = _by_owner(radii_px)
        if self._flags["core"]:
            core = np.clip((radius[self._owner] - self._core) * np.float32(0.7) + 0.5, 0, 1)
            level = np.asarray(level + core * self._column("core"), np.float32)
        if self._flags["dome"]:
            relative = np.minimum(self._gauge / np.maximum(radius, 1)[self._owner], 1)
            level = np.asarray(level + self._column("dome") * (1 - relative * relative), np.float32)
        scaled = depth * self._inverse_rim_width
        scaled *= scaled
        rim = self._rim / (1 + scaled * scaled)
        level = np.asarray(np.maximum(level - rim - contact, 0.02), np.float32)
        light = np.asarray(1 + coverage * (level - 1), np.float32)
        if self._flags["halo"]:
            outside = (radius[self._owner] - self._fringe) * self._fringe_steepness
            outside += FRINGE_PX
            outside *= outside
            light += self._halo / (1 + 0.5 * outside * outside) * (1 - coverage)
        return light


def _by_owner(radii_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Radii by index of the owner: 0 is nobody; what is not there yet, or no longer, is far from showing."""
    radius = np.empty(len(radii_px) + 1, np.float32)
    radius[0] = -FAR_PX
    radius[1:] = np.where(radii_px > 0, radii_px, -FAR_PX)
    return radius
