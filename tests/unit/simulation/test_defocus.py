from __future__ import annotations

import numpy as np

from monitor.simulation import training_scene
from monitor.simulation.defocus import planes_out_of_focus
from monitor.simulation.scenery import Scenery
from monitor.simulation.still import render_still


def test_what_is_labelled_is_nearly_sharp_and_large_beside_its_blur() -> None:
    rng = np.random.default_rng(5)
    planes = [plane for _ in range(60) for plane in planes_out_of_focus(rng, 256, 256, 0)]
    near = [plane for plane in planes if plane.labelled]
    far = [plane for plane in planes if not plane.labelled]
    assert len(near) > 20
    assert len(far) > 20
    for plane in near:
        assert plane.sigma_px <= 4.5
        assert min(body.radius_px for body in plane.bodies) >= 5 * (plane.sigma_px - 1)
    for plane in far:
        assert plane.sigma_px > 6 or max(body.radius_px for body in plane.bodies) <= 3 * (plane.sigma_px - 1)


def test_near_planes_are_blurred_and_labelled_and_far_planes_are_blurred_alone() -> None:
    scenery = Scenery(level=0.7, gradient=0.0, dust=0, fibres=0, noise=0.002, annotated=0.0)
    seen = {True: 0, False: 0}
    for number in range(40):
        rng = np.random.default_rng([6, number])
        for plane in planes_out_of_focus(rng, 192, 192, 7):
            image, labels = render_still(rng, [], scenery, 192, 192, defocused=[plane])
            shown = set(np.unique(labels)) - {0}
            if plane.labelled:
                assert shown <= {body.identity for body in plane.bodies}
                assert all(identity > 7 for identity in shown)
                seen[True] += bool(shown)
            else:
                assert not shown
                seen[False] += image.min() < 0.8 * image.max()
    assert seen[True] > 10
    assert seen[False] > 10


def test_late_films_are_domain_against_domain() -> None:
    fractions = []
    for number in range(40):
        _, labels = training_scene(np.random.default_rng([7, number]), 256, 256, "film")
        fractions.append((labels > 0).mean())
    assert np.mean(np.array(fractions) > 0.6) > 0.15
    assert np.mean(np.array(fractions) < 0.4) > 0.15
