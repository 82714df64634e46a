"""A temperature that is known is found, and mends the calibration."""

from __future__ import annotations

import numpy as np
import pytest

from train.errors import TrainingError
from train.temperature import cooled, fit_temperature


def _maps(count=4, temperature=1.0, shift=0.0):
    """Maps that are right, made too sure or too low by a known amount."""
    rng = np.random.default_rng(0)
    maps = []
    for _ in range(count):
        logit = rng.normal(0, 3, (200, 200))
        true = rng.random(logit.shape) < 1 / (1 + np.exp(-logit))
        said = (logit - shift) * temperature  # undone by z / temperature + shift
        maps.append(((1 / (1 + np.exp(-said))).astype(np.float32), true))
    return maps


@pytest.mark.parametrize(("temperature", "shift"), [(1.0, 0.0), (2.0, 0.0), (1.5, -0.7), (0.6, 0.4)])
def test_a_known_temperature_is_found(temperature, shift):
    found = fit_temperature(_maps(temperature=temperature, shift=shift))
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    assert found.shift == pytest.approx(shift, abs=0.06)
    assert found.error_after < 0.01
    if (temperature, shift) != (1.0, 0.0):
        assert found.error_before > 3 * found.error_after


def test_by_hand():
    said = np.array([[0.9]], np.float32)
    assert cooled(said, 2.0, 0.0)[0, 0] == pytest.approx(3 / 4)  # odds of 9 become their root, 3
    assert cooled(said, 1.0, -np.log(9))[0, 0] == pytest.approx(0.5)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(TrainingError, match="two probability maps"):
        fit_temperature(_maps(1))
    nothing = [(np.zeros((4, 4), np.float32), np.zeros((4, 4), bool))] * 2
    with pytest.raises(TrainingError, match="crystal and with background"):
        fit_temperature(nothing)
