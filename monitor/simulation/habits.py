"""Random shapes by crystal habit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor.simulation.shape import Shape, shape_from_faces

if TYPE_CHECKING:
    from collections.abc import Callable


def prism(rng: np.random.Generator) -> Shape:
    """Six- or eight-faced projection of a prism or bipyramid; aspect 1 to 3."""
    turn = rng.uniform(0, 2 * np.pi)
    aspect = rng.uniform(1.0, 2.8)
    kind = rng.integers(4)
    if kind == 0:  # lozenge prism: two sides and two pairs of end faces
        tilt = rng.uniform(0.5, 1.1)
        angles = np.array([0, np.pi, tilt, np.pi - tilt, np.pi + tilt, -tilt])
        ends = aspect * np.sin(tilt) * rng.uniform(0.85, 1.1)
        distances = np.array([1, 1, ends, ends, ends, ends])
    elif kind == 1:  # brick
        skew = rng.uniform(-0.25, 0.25)
        angles = np.array([0, np.pi, np.pi / 2 + skew, -np.pi / 2 + skew])
        distances = np.array([1, 1, aspect, aspect])
    elif kind == 2:  # bipyramid: four slanted faces, corners cut
        tilt = np.arctan(1 / aspect) * rng.uniform(0.8, 1.2)
        angles = np.array([tilt, np.pi - tilt, np.pi + tilt, -tilt, np.pi / 2, -np.pi / 2])
        cut = aspect * rng.uniform(0.6, 1.0)
        distances = np.array([1, 1, 1, 1, cut, cut])
    else:
        count = int(rng.integers(5, 9))
        angles = np.arange(count) * 2 * np.pi / count + rng.uniform(-0.25, 0.25, count)
        stretch = np.hypot(np.cos(angles), aspect * 0.7 * np.sin(angles))
        distances = np.maximum(stretch, 0.5)
    distances = distances * rng.uniform(0.88, 1.12, distances.shape)
    rounding = int(rng.choice([0, 0, 0, 16]))
    return shape_from_faces(angles + turn, distances, rounding)


def plate(rng: np.random.Generator) -> Shape:
    """Thin plate seen from above: four to six faces, aspect 1 to 1.8."""
    count = int(rng.choice([4, 4, 6]))
    angles = np.arange(count) * 2 * np.pi / count + rng.uniform(-0.12, 0.12, count)
    distances = np.hypot(np.cos(angles), rng.uniform(1.0, 1.8) * np.sin(angles))
    distances *= rng.uniform(0.9, 1.1, count)
    return shape_from_faces(angles + rng.uniform(0, 2 * np.pi), distances, 0)


def needle(rng: np.random.Generator) -> Shape:
    """Needle: two long sides and pointed or blunt ends, aspect 6 to 20."""
    aspect = float(np.exp(rng.uniform(np.log(6), np.log(20))))
    turn = rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.5:
        angles = np.array([0, np.pi, np.pi / 2, -np.pi / 2])
        distances = np.array([1, 1, aspect, aspect])
    else:
        tilt = rng.uniform(0.7, 1.3)
        angles = np.array([0, np.pi, tilt, np.pi - tilt, np.pi + tilt, -tilt])
        end = aspect * np.sin(tilt)
        distances = np.array([1, 1, end, end, end, end])
    return shape_from_faces(angles + turn, distances, 0)


def rounded(rng: np.random.Generator) -> Shape:
    """Rounded body (ice in sugar solution): ellipse to rounded rectangle, aspect 1 to 2.2."""
    aspect = float(np.clip(1 + rng.exponential(0.28), 1, 2.2))
    angles = np.arange(4) * np.pi / 2 + rng.uniform(-0.15, 0.15, 4) * (rng.random() < 0.5)
    distances = np.array([1, aspect, 1, aspect]) * rng.uniform(0.92, 1.08, 4)
    rounding = int(rng.choice([2, 2, 4]))
    return shape_from_faces(angles + rng.uniform(0, 2 * np.pi), distances, rounding)


def domain(rng: np.random.Generator) -> Shape:
    """Rounded polygon of a film's domain: five to seven faces, corners rounded."""
    count = int(rng.integers(4, 8))
    angles = np.arange(count) * 2 * np.pi / count + rng.uniform(-0.3, 0.3, count)
    distances = rng.uniform(0.85, 1.2, count)
    rounding = int(rng.choice([0, 8, 16, 32]))
    return shape_from_faces(angles + rng.uniform(0, 2 * np.pi), distances, rounding)


def disc(rng: np.random.Generator) -> Shape:
    """Circle (bubbles, oil drops)."""
    turn = rng.uniform(0, 2 * np.pi)
    return shape_from_faces(np.arange(4) * np.pi / 2 + turn, np.ones(4), 2)


HABIT_SHAPES: dict[str, Callable[[np.random.Generator], Shape]] = {
    "prism": prism,
    "plate": plate,
    "needle": needle,
    "rounded": rounded,
    "domain": domain,
    "disc": disc,
}
