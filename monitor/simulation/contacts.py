"""Where and when bodies touch, and which of them merge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitor.simulation.territory import FAR_PX, occupied
from monitor.simulation.truth import ContactTruth, MergeTruth

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.simulation.body import Body
    from monitor.simulation.history import GrowthHistory
    from monitor.simulation.territory import Territory


@dataclass(frozen=True)
class Contacts:
    """Touching bodies of a territory.

    Attributes:
        radius_px: (bodies + 1,) radius at which body i (from 1) first touches another one; inf: never.
        pairs: (pairs, 2) indices of bodies that touch, the lower first.
        lengths_px: (pairs,) growth length at the first touch.
        pair_HW: int32; 1 + index of the pair whose boundary is nearest to the pixel, 0 without any.
    """

    radius_px: npt.NDArray[np.float64]
    pairs: npt.NDArray[np.int64]
    lengths_px: npt.NDArray[np.float64]
    pair_HW: npt.NDArray[np.int32]


def find_contacts(bodies: Sequence[Body], territory: Territory) -> Contacts:
    """All contacts that the territory will ever see."""
    count = len(bodies) + 1
    regions = occupied(territory.owner_HW, territory.gauge_HW, bodies)
    gauge = territory.gauge_HW
    birth = np.array([0.0, *(body.birth for body in bodies)])
    factor = np.array([1.0, *(body.factor or np.inf for body in bodies)])
    radius = np.full(count, np.inf)
    found: list[npt.NDArray[np.float64]] = []
    pair_code = np.zeros(regions.shape, np.int64)
    for low, high in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        first, second = regions[low], regions[high]
        border = (first != second) & (first > 0) & (second > 0)
        a, b = first[border], second[border]
        gauge_a, gauge_b = gauge[low][border], gauge[high][border]
        np.minimum.at(radius, a, gauge_a)
        np.minimum.at(radius, b, gauge_b)
        length = np.maximum(birth[a] + gauge_a / factor[a], birth[b] + gauge_b / factor[b])
        code = np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b)
        found.append(np.stack([code, length], axis=1))
        pair_code[low][border] = code
        pair_code[high][border] = code
    touching = np.concatenate(found) if found else np.zeros((0, 2))
    codes, which = np.unique(touching[:, 0].astype(np.int64), return_inverse=True)
    lengths = np.full(len(codes), np.inf)
    np.minimum.at(lengths, which, touching[:, 1])
    pairs = np.stack([codes // count, codes % count], axis=1)
    return Contacts(radius, pairs, lengths, _nearest_pair(pair_code, codes))


def _nearest_pair(pair_code: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    if not len(codes):
        return np.zeros(pair_code.shape, np.int32)
    away = (pair_code == 0).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(int(nearest.max()) + 1, np.int32)
    on_border = away == 0
    of_label[nearest[on_border]] = np.searchsorted(codes, pair_code[on_border]) + 1
    return np.asarray(of_label[nearest], np.int32)


def first_touches(
    bodies: Sequence[Body], contacts: Contacts, history: GrowthHistory
) -> tuple[ContactTruth, ...]:
    """First touch of every pair of crystals, by time."""
    times = np.interp(contacts.lengths_px, history.lengths_px, history.times_s)
    touches = []
    for at_s, pair in zip(times.tolist(), contacts.pairs.tolist(), strict=True):
        elder, younger = sorted(bodies[index - 1].identity for index in pair)
        if elder > 0:
            touches.append(ContactTruth(at_s, elder, younger))
    return tuple(sorted(touches, key=lambda touch: touch.at_s))


def choose_merges(
    bodies: Sequence[Body],
    contacts: Contacts,
    history: GrowthHistory,
    probability: float,
    delay_s: float,
    rng: np.random.Generator,
) -> tuple[tuple[MergeTruth, ...], npt.NDArray[np.float64]]:
    """Merges by time, and for each pair of `contacts` the time at which its boundary fades (inf: never)."""
    fades_at = np.full(len(contacts.pairs), np.inf)
    if probability <= 0 or not len(bodies):
        return (), fades_at
    identity = np.array([0, *(body.identity for body in bodies)])
    times = np.interp(contacts.lengths_px, history.lengths_px, history.times_s)
    lucky = rng.random(len(times)) < probability
    lucky &= (contacts.lengths_px < FAR_PX) & (identity[contacts.pairs] > 0).all(axis=1)
    fades_at[lucky] = times[lucky] + delay_s
    goes_on = np.arange(identity.max() + 1)
    merges = []
    for pair in np.argsort(fades_at, kind="stable"):
        if not np.isfinite(fades_at[pair]):
            break
        one, other = (int(goes_on[identity[body]]) for body in contacts.pairs[pair])
        if one == other:
            continue
        elder, younger = min(one, other), max(one, other)
        goes_on[goes_on == younger] = elder
        merges.append(MergeTruth(float(fades_at[pair]), younger, elder))
    return tuple(merges), fades_at
