"""An analysis whose archive is at its budget, and drops a key frame with nearly every new one: few rows, none lost."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from engine import Segmenter
from engine.lineup import LineUpSettings
from monitor.analysis.opening import open_analysis
from monitor.clock import NANOSECONDS_PER_SECOND, Instant, SystemClock
from monitor.frame import Frame, TimeSource
from monitor.settings.station import StationSettings
from monitor.store import TrailReader, verify_audit
from tests.failing_backend import Cue
from tests.scripted_analysis import ScriptedSource

FRAMES = 12


def frame(index: int) -> Frame:
    """Noise: a quarter of a megabyte as PNG."""
    image = np.random.default_rng(index).integers(0, 255, (512, 512), dtype=np.uint8)
    image.flags.writeable = False
    captured = Instant(index * NANOSECONDS_PER_SECOND)
    return Frame(image, "e" * 32, index, captured, TimeSource.INTERVAL, um_per_px=0.5)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_an_archive_at_its_budget_makes_few_rows_of_the_trail(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'trails.sqlite'}"
    archive = tmp_path / "archive"
    kept = {"folder": str(archive), "budget_bytes": 1_000_000, "every_s": 0.5}
    settings = StationSettings.model_validate(
        {"name": "north", "storage": {"database": database, "archive": kept}}
    )
    line_up = (
        [Cue("auto", name="fast").candidate()],
        LineUpSettings(on_loss=settings.analysis.on_engine_loss),
    )
    segmenter = Segmenter(cache=tmp_path / "cache", line_up=line_up)
    dropped: list[str] = []
    try:
        source = ScriptedSource([frame(index) for index in range(FRAMES)])
        with open_analysis(
            settings,
            SystemClock(),
            source=source,
            segmenter=segmenter,
            observers=[lambda told: dropped.extend(told.last.archive_dropped if told.last else ())],
        ) as analysis:
            analysis.loop.run(threading.Event())
    finally:
        segmenter.close()
    assert len(dropped) >= FRAMES // 2, "the control: nearly every frame drops one"
    with TrailReader(database) as reader:
        rows = list(reader.view("audit_log").records())
    told = [row for row in rows if row["kind"] == "key_frames_deleted"]
    counts = [json.loads(str(row["details"]))["count"] for row in told]
    assert counts == [1, len(dropped) - 1], "the first at once, the rest at the stop"
    assert [row["station"] for row in told] == ["north", "north"]
    assert rows[-1]["kind"] == "service_stopped", "which comes after them"
    assert len(list(archive.rglob("*.png"))) == FRAMES - len(dropped)
    assert verify_audit(database).faults == ()
