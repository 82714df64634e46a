"""The state of kinetics rebuilt from stored points is the very one that grew frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.kinetics import KineticsState, StoredFrame, absorb, fit, initial_state, rebuild, rebuild_span_s
from monitor.records import TrackerStep
from monitor.settings.kinetics import KineticsSettings
from tests.crystal_courses import tracked


def grown(frames: list[StoredFrame], chosen: KineticsSettings) -> KineticsState:
    state = initial_state(chosen)
    for frame in frames:
        state = absorb(state, frame.tracker, frame.elapsed_s, frame.um_per_px, chosen)
    return state


def stored(frames: list[StoredFrame], chosen: KineticsSettings) -> list[StoredFrame]:
    """Of every crystal only the points that `rebuild` asks for."""
    points: dict[int, list[tuple[int, float]]] = {}
    for i, frame in enumerate(frames):
        for p in frame.tracker.updated if frame.tracker else ():
            points.setdefault(p.crystal_id, []).append((i, frame.elapsed_s))
    wanted = set()
    for crystal_id, seen in points.items():
        last_s = seen[-1][1]
        kept = [*seen[: chosen.birth_points], *seen[-2 * chosen.min_points :]]
        kept += [s for s in seen if s[1] >= last_s - rebuild_span_s(chosen)]
        wanted |= {(crystal_id, i) for i, _ in kept}
    result = []
    for i, frame in enumerate(frames):
        tracker = frame.tracker
        if tracker is not None:
            kept_points = tuple(p for p in tracker.updated if (p.crystal_id, i) in wanted)
            tracker = TrackerStep(kept_points, tracker.born, tracker.ended)
        result.append(StoredFrame(frame.elapsed_s, frame.um_per_px, tracker))
    return result


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 120),
    interval_s=st.sampled_from([0.37, 1.0, 5.0, 60.0, 3600.0]),
    window_s=st.sampled_from([20.0, 100.0, 600.0]),
)
def test_rebuilt_state_is_identical(seed: int, frames: int, interval_s: float, window_s: float) -> None:
    chosen = KineticsSettings(window_s=window_s)
    rng = np.random.default_rng(seed)
    times = np.cumsum(interval_s * rng.uniform(0.5, 1.5, frames))
    first = rng.integers(0, frames, 6)
    sizes = np.where(np.arange(frames)[:, None] >= first, 10 + rng.uniform(0, 30, (frames, 6)), np.nan)
    course = [StoredFrame(float(t), 0.5, s) for t, s in zip(times, tracked(times, sizes), strict=True)]
    live = grown(course, chosen)
    again = rebuild(stored(course, chosen), chosen)
    assert live.same_as(again)
    ids = tuple(range(1, 7))
    assert fit(live, ids, chosen) == fit(again, ids, chosen)
    if frames > 1:
        assert not live.same_as(rebuild(course[:-1], chosen))


@settings(max_examples=30, deadline=None)
@given(
    rate=st.floats(-0.2, 0.5),
    size=st.floats(8, 200),
    interval_s=st.floats(0.2, 600),
    frames=st.integers(6, 80),
)
def test_a_known_rate_is_recovered(rate: float, size: float, interval_s: float, frames: int) -> None:
    chosen = KineticsSettings()
    times = interval_s * np.arange(frames)
    per_s = rate * size / times[-1]
    course = tracked(times, size + per_s * times[:, None])
    state = grown([StoredFrame(float(t), 1.0, s) for t, s in zip(times, course, strict=True)], chosen)
    (found,) = fit(state, (1,), chosen)
    assert found.rate_px_per_s == pytest.approx(per_s, rel=1e-2, abs=1e-4 * size / times[-1])
