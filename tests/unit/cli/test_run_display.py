"""The line that `run` shows: how fresh it is."""

from __future__ import annotations

import pytest

from monitor.analysis import DaemonStatus
from monitor.cli.run_display import status_line
from monitor.service.station_status import StationStatus, StoredStatus, Verdict

RUN = {"crystals_in_view": 6, "coverage": 0.062, "t95_elapsed_s": None, "completed_elapsed_s": None}
LAST = {"elapsed_s": 160.0, "state": "growing", "status": "ok", "reason": None}


def line(since_frame_s: float | None, frame_age_s: float | None) -> str:
    daemon = DaemonStatus(
        station="test",
        version="0.1",
        process=7,
        started_at="2026-01-01T00:00:00+00:00",
        run_id=1,
        frames=int(since_frame_s is not None),
        since_frame_s=since_frame_s,
        since_commit_s=0.1,
        frame_age_s=frame_age_s,
        frame_s=0.1,
        backend="openvino bf16",
        degraded=False,
        engine="",
        grabber_heard=True,
        camera_running=True,
        lost={},
    )
    stored = StoredStatus(RUN, (), LAST, None, (), 0, ())
    return status_line(StationStatus(Verdict.OK, "test", "", "", daemon, stored, None))


@pytest.mark.parametrize(
    ("since_frame_s", "frame_age_s", "says"),
    [
        (0.4, 0.07, "frame age 0.07 s"),
        (34.2, 0.0, "last frame 34 s ago"),
        (754.0, 0.0, "last frame 12 min 34 s ago"),
        (0.4, None, "last frame 0.4 s ago"),
        (None, None, "no frame since the start"),
    ],
)
def test_the_line_says_how_long_ago_the_last_frame_came(
    since_frame_s: float | None, frame_age_s: float | None, says: str
) -> None:
    assert line(since_frame_s, frame_age_s) == (
        f"2 min 40 s · growing · 6 crystals · 6.2% covered · {says} · openvino bf16"
    )
