"""A packed series is the very same series, short; states of before are read."""

from __future__ import annotations

import dataclasses
import json
from math import inf

import numpy as np
import pytest

from monitor.completion import initial_state
from monitor.completion.packing import pack_series, unpack_series
from monitor.completion.series import COLUMNS, MAX_SAMPLES, empty_series
from monitor.completion.state import CompletionMachineState


def course(samples: int) -> np.ndarray:
    chance = np.random.default_rng(3)
    time_S = np.arange(samples) * 10.0
    area_S = 300 * (1 - np.exp(-time_S / 1500)) + chance.normal(0, 0.5, samples)
    count_S = np.round(time_S / 400)
    return np.stack([time_S, time_S - 3.0, area_S, count_S, 0 * time_S, np.sqrt(np.abs(area_S))], axis=1)


@pytest.mark.parametrize("samples", [0, 1, 7, MAX_SAMPLES])
def test_every_bit_comes_back(samples: int) -> None:
    series_SC = course(samples)
    assert series_SC.shape == (samples, COLUMNS)
    back_SC = unpack_series(pack_series(series_SC))
    assert back_SC.dtype == np.float64
    assert back_SC.flags.writeable
    np.testing.assert_array_equal(back_SC, series_SC)


def test_infinities_and_signs_come_back() -> None:
    series_SC = np.array([[-0.0, inf, -inf, 5e-324, 1.7e308, np.pi]])
    assert unpack_series(pack_series(series_SC)).tobytes() == series_SC.tobytes()


def test_a_full_course_is_short() -> None:
    series_SC = course(MAX_SAMPLES)
    assert len(pack_series(series_SC)) < 0.4 * len(json.dumps(series_SC.tolist()))


def test_a_state_written_before_series_were_packed_is_read() -> None:
    state = dataclasses.replace(initial_state(), series_SC=course(20))
    plain = json.loads(state.to_json())
    plain["series_SC"] = state.series_SC.tolist()
    assert CompletionMachineState.from_json(json.dumps(plain)).to_json() == state.to_json()
    plain["series_SC"] = []
    assert CompletionMachineState.from_json(json.dumps(plain)).series_SC.shape == empty_series().shape


@pytest.mark.parametrize(
    "junk", ["", "AAAA", "no base 64", pack_series(course(3))[:-8], pack_series(course(500))]
)
def test_junk_is_an_error(junk: str) -> None:
    with pytest.raises(ValueError, match="a packed series"):
        unpack_series(junk)
