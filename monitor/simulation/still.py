"""A training still: bodies and scenery rendered, exposed and annotated, with labels of what a reader can know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitor.simulation import backdrop
from monitor.simulation.bright_field import BrightField
from monitor.simulation.scenery import Scenery, build_scenery
from monitor.simulation.sensor import expose, to_digits
from monitor.simulation.territory import claim_territory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.simulation.body import Body

    Still = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]

_SMALLEST_LABEL_PX = 9


@dataclass(frozen=True)
class Defocused:
    """Bodies outside the plane of focus, behind the sharp ones.

    Attributes:
        bodies: their own bodies, identities as among the sharp ones.
        sigma_px: spread of their blur, standard deviation, px.
        labelled: whether they are near enough to the plane to count as crystals.
    """

    bodies: Sequence[Body]
    sigma_px: float
    labelled: bool


def render_still(
    rng: np.random.Generator,
    bodies: Sequence[Body],
    scenery: Scenery,
    height: int,
    width: int,
    keep_connected: bool = False,
    defocused: Sequence[Defocused] = (),
) -> Still:
    """Image (height, width) uint8 and labels int32 of sharp `bodies` in their scenery, others behind them.

    `keep_connected` gives a body no territory that another cuts off from it (long thin bodies).
    """
    light, hidden = build_scenery(rng, scenery, height, width)
    labels = np.zeros((height, width), np.int32)
    behind = np.zeros((height, width), np.int32)
    for plane in defocused:
        territory = claim_territory(plane.bodies, height, width)
        field = BrightField(plane.bodies, territory, int(rng.integers(2**31)))
        shown = field.layer(np.array([body.radius_px for body in plane.bodies]))
        light *= cv2.GaussianBlur(shown.transmission_HW, (0, 0), plane.sigma_px)
        if plane.labelled:
            behind = np.where(shown.labels_HW > 0, shown.labels_HW, behind)
    if bodies:
        territory = claim_territory(bodies, height, width, keep_connected)
        field = BrightField(bodies, territory, int(rng.integers(2**31)))
        layer_now = field.layer(np.array([body.radius_px for body in bodies]))
        light *= layer_now.transmission_HW
        labels = layer_now.labels_HW
    labels = np.where(labels > 0, labels, behind)
    level = expose(
        light,
        rng,
        blur_px=scenery.blur_px,
        shot_noise=scenery.noise * rng.uniform(0, 1.5),
        read_noise=scenery.noise,
        gamma=float(rng.uniform(0.8, 1.25)),
    )
    image = to_digits(level)
    text = _text(rng) if rng.random() < scenery.annotated else None
    bar = int(rng.uniform(0.06, 0.35) * width) if rng.random() < scenery.annotated else 0
    if text is not None or bar:
        hidden |= backdrop.annotate(rng, image, text, bar)
    # what a bar or a wall hides, no reader of the picture can know
    labels[hidden] = 0
    return image, _without_slivers(labels)


def _text(rng: np.random.Generator) -> str:
    number = int(rng.integers(0, 5000))
    forms = (f"{number % 100:02d}s", f"{number / 10:.1f} s", f"{number % 200} um", f"t={number}")
    return forms[int(rng.integers(len(forms)))]


def _without_slivers(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    counts = np.bincount(labels.ravel())
    if len(counts) == 1:
        return labels
    small = counts < _SMALLEST_LABEL_PX
    small[0] = False
    if small.any():
        labels[small[labels]] = 0
    return labels
