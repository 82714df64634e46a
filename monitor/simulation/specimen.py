"""The field of a run at any moment: which body is where, how light passes, who touches whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from monitor.simulation.bright_field import BrightField
from monitor.simulation.contacts import choose_merges, find_contacts, first_touches
from monitor.simulation.history import GrowthHistory
from monitor.simulation.territory import FAR_PX, claim_territory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.settings.simulation import Merging
    from monitor.simulation.body import Body
    from monitor.simulation.history import History
    from monitor.simulation.truth import ContactTruth, MergeTruth


@dataclass(frozen=True)
class Moment:
    """The whole canvas at one time.

    Attributes:
        transmission_HW: float32; factor on the background's light.
        depth_HW: float32, px; distance inward from the outline of the owner.
        owner_HW: int32; index of the body (from 1) that the pixel belongs to once `depth_HW` > 0.
        in_contact: (bodies + 1,) bool; whether body i touches another one.
        identities: (bodies + 1,) int32; number of the crystal that body i is part of, 0 for none.
    """

    transmission_HW: npt.NDArray[np.float32]
    depth_HW: npt.NDArray[np.float32]
    owner_HW: npt.NDArray[np.int32]
    in_contact: npt.NDArray[np.bool_]
    identities: npt.NDArray[np.int32]


class Specimen(Protocol):
    """The bodies of a run over time."""

    merges: tuple[MergeTruth, ...]
    """Merges by time."""
    contacts: tuple[ContactTruth, ...]
    """First touches by time; empty unless crystals grow."""

    def transmission(self, elapsed_s: float) -> npt.NDArray[np.float32]:
        """Factor on the background's light, (height, width) of the canvas."""

    def moment(self, elapsed_s: float) -> Moment:
        """Everything about the canvas at a time."""


def _radii(bodies: Sequence[Body], crystals_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Radii of all bodies: the crystals of the history, then the bodies that never change."""
    still = [body.radius_px for body in bodies[len(crystals_px) :]]
    return np.concatenate([crystals_px, np.array(still)])


class ImpingingSpecimen:
    """Bodies that keep the ground they took first: growth, dissolution, rest."""

    def __init__(
        self,
        bodies: Sequence[Body],
        history: History,
        canvas_px: tuple[int, int],
        merging: Merging,
        seed: int,
    ) -> None:
        """Share out the canvas (height, width); `bodies` are the history's crystals, then bubbles."""
        slender = any(body.shape.reach > 2.2 for body in bodies)
        self._territory = claim_territory(bodies, *canvas_px, keep_connected=slender)
        self._bodies, self._history = bodies, history
        self._contacts = find_contacts(bodies, self._territory)
        self.merges: tuple[MergeTruth, ...] = ()
        self.contacts: tuple[ContactTruth, ...] = ()
        self._fades_at = np.full(len(self._contacts.pairs), np.inf)
        if isinstance(history, GrowthHistory):
            self.contacts = first_touches(bodies, self._contacts, history)
            self.merges, self._fades_at = choose_merges(
                bodies,
                self._contacts,
                history,
                merging.probability,
                merging.delay_s,
                np.random.default_rng([seed, 3]),
            )
        pair = self._contacts.pair_HW if self.merges else None
        self._view = BrightField(bodies, self._territory, seed, pair)

    def arrival_px(self) -> npt.NDArray[np.float32]:
        """Growth length at which each pixel becomes crystal, (height, width); inf for never."""
        crystal = np.array([0, *(body.identity for body in self._bodies)]) > 0
        owner = self._territory.owner_HW
        birth = np.array([0.0, *(body.birth for body in self._bodies)], np.float32)
        factor = np.array([1.0, *(body.factor or 1.0 for body in self._bodies)], np.float32)
        when = self._territory.gauge_HW / factor[owner] + birth[owner]
        return np.where(crystal[owner], when, np.float32(np.inf)).astype(np.float32)

    def _faded(self, elapsed_s: float) -> npt.NDArray[np.bool_] | None:
        return np.concatenate([[False], self._fades_at <= elapsed_s]) if self.merges else None

    def transmission(self, elapsed_s: float) -> npt.NDArray[np.float32]:
        """Factor on the background's light, (height, width) of the canvas."""
        radii = _radii(self._bodies, self._history.radii_px(elapsed_s))
        return self._view.transmission(radii, self._view.depth(radii), self._faded(elapsed_s))

    def moment(self, elapsed_s: float) -> Moment:
        """Everything about the canvas at a time."""
        radii = _radii(self._bodies, self._history.radii_px(elapsed_s))
        depth = self._view.depth(radii)
        identities = self._view.identities.copy()
        for merge in self.merges:
            if merge.at_s > elapsed_s:
                break
            identities[identities == merge.id] = merge.into_id
        return Moment(
            self._view.transmission(radii, depth, self._faded(elapsed_s)),
            self._view.spread(depth, -FAR_PX),
            self._territory.owner_HW,
            np.concatenate([[-np.inf], radii]) > self._contacts.radius_px - 0.5,
            identities,
        )


class RipeningSpecimen:
    """Bodies of which some grow into ground that others give up: the deepest outline has the pixel."""

    merges: tuple[MergeTruth, ...] = ()
    contacts: tuple[ContactTruth, ...] = ()

    def __init__(
        self, bodies: Sequence[Body], history: History, canvas_px: tuple[int, int], seed: int
    ) -> None:
        """Rank the two likeliest owners of each pixel of the canvas (height, width)."""
        keyed = [replace(body, birth=0.0, factor=max(body.radius_px, 1e-3)) for body in bodies]
        first = claim_territory(keyed, *canvas_px)
        second = claim_territory(keyed, *canvas_px, but_not_HW=first.owner_HW)
        nowhere = np.full(canvas_px, FAR_PX, np.float32)
        self._territories = (first, second)
        self._views = tuple(
            BrightField(keyed, replace(territory, boundary_HW=nowhere), seed)
            for territory in self._territories
        )
        self._contact = float(np.median([body.look.contact for body in bodies])) if bodies else 0.0
        self._bodies, self._history = keyed, history

    def transmission(self, elapsed_s: float) -> npt.NDArray[np.float32]:
        """Factor on the background's light, (height, width) of the canvas."""
        return self.moment(elapsed_s).transmission_HW

    def moment(self, elapsed_s: float) -> Moment:
        """Everything about the canvas at a time."""
        radii = _radii(self._bodies, self._history.radii_px(elapsed_s))
        flat = [view.depth(radii) for view in self._views]
        depth_1, depth_2 = (view.spread(d, -FAR_PX) for view, d in zip(self._views, flat, strict=True))
        light_1, light_2 = (view.transmission(radii, d) for view, d in zip(self._views, flat, strict=True))
        second = depth_2 > depth_1
        owner = np.where(second, self._territories[1].owner_HW, self._territories[0].owner_HW)
        depth = np.maximum(depth_1, depth_2)
        light = np.where(second, light_2, light_1)
        overlap = np.minimum(depth_1, depth_2) > -0.5
        touching = np.zeros(len(self._bodies) + 1, np.bool_)
        if overlap.any():
            line = np.abs(depth_1 - depth_2)[overlap] / 3.0
            light[overlap] -= np.float32(self._contact) / (1 + line**4)
            np.maximum(light, 0.02, out=light)
            for territory in self._territories:
                touching[territory.owner_HW[overlap]] = True
            touching[0] = False
        return Moment(light, depth, owner, touching, self._views[0].identities)
