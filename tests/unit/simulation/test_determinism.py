from __future__ import annotations

import numpy as np
import pytest

from monitor.settings.simulation import Optics
from monitor.simulation import PRESETS, SimulatedMicroscope, training_scene


@pytest.mark.parametrize("name", ["demo", "ripening", "merging"])
def test_a_moment_is_the_same_whatever_was_looked_at_before(name: str) -> None:
    settings = PRESETS[name].model_copy(
        update={
            "width_px": 200,
            "height_px": 160,
            "optics": Optics(drift_um_per_s=0.002, vibration_px=0.5, flicker=0.02, text="{elapsed_s}"),
        }
    )
    first, second = SimulatedMicroscope(settings), SimulatedMicroscope(settings)
    forward = [first.at(t) for t in (0.0, 700.0, 1500.0)]
    backward = [second.at(t) for t in (1500.0, 700.0, 0.0)][::-1]
    assert not np.array_equal(forward[0].image_HW, forward[1].image_HW)
    for one, other in zip(forward, backward, strict=True):
        assert one.image_HW.tobytes() == other.image_HW.tobytes()
        assert np.array_equal(one.labels_HW, other.labels_HW)
        assert one.truth == other.truth
        assert second.render_only(one.truth.elapsed_s).tobytes() == one.image_HW.tobytes()


def test_another_seed_is_another_run() -> None:
    settings = PRESETS["demo"].model_copy(update={"width_px": 128, "height_px": 128})
    other = settings.model_copy(update={"seed": settings.seed + 1})
    assert SimulatedMicroscope(settings).truth_run() != SimulatedMicroscope(other).truth_run()


def test_a_training_scene_follows_from_its_generator() -> None:
    image, labels = training_scene(np.random.default_rng(8), 96, 128)
    again, labels_again = training_scene(np.random.default_rng(8), 96, 128)
    assert image.shape == (96, 128)
    assert np.array_equal(image, again)
    assert np.array_equal(labels, labels_again)


def test_sixteen_bits_hold_the_same_picture() -> None:
    settings = PRESETS["static"].model_copy(update={"width_px": 96, "height_px": 96})
    deep = settings.model_copy(update={"optics": settings.optics.model_copy(update={"bit_depth": 16})})
    shallow_image = SimulatedMicroscope(settings).render_only(5.0)
    deep_image = SimulatedMicroscope(deep).render_only(5.0)
    assert shallow_image.dtype == np.uint8
    assert deep_image.dtype == np.uint16
    assert np.abs(deep_image / 257.0 - shallow_image).max() <= 1
