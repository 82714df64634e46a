"""A station with the change gate on: what its readers find in the store."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import pytest

from monitor.analysis import replay
from monitor.clock import SystemClock
from monitor.settings.loading import load_settings
from monitor.simulation import PRESETS, SimulatedMicroscope
from monitor.source import ReplaySource
from monitor.store import Bound, TrailReader

FRAMES = 10
MAX_AGE_S = 4.0
WHOLE_AT = {0, 5}
"""With a frame a second the fifth after an inference would be the first to be older than 4 s."""

Rows = list[dict[str, str | int | float | bytes | None]]


def run(folder: Path, database: str, *, enabled: bool) -> dict[str, Rows]:
    gate = {"enabled": enabled, "max_age_s": MAX_AGE_S}
    settings = load_settings(None, {"storage": {"database": database}, "analysis": {"change_gate": gate}})
    clock = SystemClock()
    source = ReplaySource(folder, clock, interval_s=1.0)
    run_id = replay(settings, source, clock, threading.Event())
    with TrailReader(database) as reader:
        bound = Bound(max_rows=100_000, timeout_s=60.0)
        return {
            view: list(reader.view(view, run_id, bound).records())
            for view in ("frame_log", "growth_history", "trail_summary", "run_summary")
        }


@pytest.fixture
def still_field(tmp_path: Path) -> Path:
    static = PRESETS["static"]
    small = static.model_copy(
        update={
            "width_px": 256,
            "height_px": 256,
            "nucleation": static.nucleation.model_copy(update={"seeds": 8}),
            "optics": static.optics.model_copy(update={"vibration_px": 0.05}),
        }
    )
    scope = SimulatedMicroscope(small)
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f"{index:03}.png"), scope.render_only(float(index)))
    return folder


def test_carried_crystals_are_shown_as_such_and_count_for_nothing(still_field: Path, tmp_path: Path) -> None:
    plain = run(still_field, f"sqlite:///{tmp_path / 'plain.sqlite'}", enabled=False)
    gated = run(still_field, f"sqlite:///{tmp_path / 'gated.sqlite'}", enabled=True)
    assert {point["carried"] for point in plain["growth_history"]} == {0}, "the control"
    assert len(plain["trail_summary"]) >= 5, "the control: there are crystals"
    fresh = {frame["frame_index"] for frame in gated["growth_history"] if not frame["carried"]}
    assert fresh == WHOLE_AT
    assert len(gated["growth_history"]) == len(plain["growth_history"])
    assert [frame["status"] for frame in gated["frame_log"]] == ["ok"] * FRAMES
    assert len({frame["backend"] for frame in gated["frame_log"]}) == 1
    assert [frame["count"] for frame in gated["frame_log"]] == [
        frame["count"] for frame in plain["frame_log"]
    ]
    assert {trail["points"] for trail in gated["trail_summary"]} == {len(WHOLE_AT)}
    assert not any(point["fit_for_growth"] for point in gated["growth_history"] if point["carried"])
    carried = [p for p in gated["growth_history"] if p["crystal_id"] == 1 and p["carried"]]
    looked_at = [p for p in gated["growth_history"] if p["crystal_id"] == 1 and not p["carried"]]
    assert carried[0]["area_px"] == looked_at[0]["area_px"]
