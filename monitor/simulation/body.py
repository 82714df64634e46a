"""One body in the field: where it is, its shape and how it looks in bright field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.simulation.shape import Shape


@dataclass(frozen=True)
class Look:
    """How bright field shows a body; levels are transmissions relative to the background.

    Attributes:
        interior: transmission of the inside (1 = as bright as the background).
        rim: darkness of the rim at its darkest (0..1).
        rim_width_px: width of the rim, px, inward from the outline.
        halo: brightness of the fringe just outside the outline (0..0.3).
        facets: spread of transmission between facets.
        core: transmission of the bright core (top face, ridge) minus `interior`.
        core_size: size of the core relative to the outline (0..1).
        core_slit: how much narrower the core is across (1 = same proportions as the outline).
        dome: extra transmission towards the centre (lens effect of rounded bodies).
        ripple: amplitude of concentric ripples.
        ripple_px: wavelength of the ripples, px.
        contact: darkness of the line where the body touches another (negative: bright line).
        softness_px: blur of the outline, px (0 = sharp).
        inset_px: how far inside the outline the darkening is half-way, px: a rounded body thins out
            towards its outline, a faceted one (0) has a wall there.
    """

    interior: float = 1.0
    rim: float = 0.6
    rim_width_px: float = 2.0
    halo: float = 0.05
    facets: float = 0.1
    core: float = 0.0
    core_size: float = 0.6
    core_slit: float = 1.0
    dome: float = 0.0
    ripple: float = 0.0
    ripple_px: float = 5.0
    contact: float = 0.3
    softness_px: float = 0.0
    inset_px: float = 0.0


@dataclass(frozen=True)
class Body:
    """A body of the field.

    Attributes:
        identity: number of the crystal, > 0, never reused; 0 for bodies that are no crystals.
        x_px, y_px: centre on the canvas, px.
        shape: its outline.
        birth: growth length at birth, px (radius a body of factor 1 born at 0 would have).
        factor: its growth relative to the common growth length (growth-rate dispersion); 0 where it
            never grows.
        radius_px: largest area-equivalent radius it may reach, px.
        look: how it looks.
        seed: of its texture and facets.
    """

    identity: int
    x_px: float
    y_px: float
    shape: Shape
    radius_px: float
    birth: float = 0.0
    factor: float = 1.0
    look: Look = field(default_factory=Look)
    seed: int = 0
