"""Made-up results of frames, for tests of the trail store: exact, so that what is read can be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from monitor.clock import Instant
from monitor.frame import TimeSource
from monitor.records import (
    BirthKind,
    CompletionState,
    FieldStateRecord,
    Forecast,
    FrameQuality,
    FrameResult,
    FrameStatus,
    GrowthFit,
    Habit,
    Observation,
    RunState,
    SizeDistribution,
    TrackerStep,
    TrackPoint,
    TrailBirth,
)
from monitor.records.run import RunStart

BOOT = "9d6a3c1e-boot"
EPOCH = Instant(1_790_000_000_123_456_000, 5_000_000_000, BOOT)
SESSION = "ab" * 16
UNKNOWN = Forecast(None, None, None, "not identifiable yet")


def at(elapsed_s: float) -> Instant:
    """The moment so many seconds after the epoch, on the same boot."""
    shift_ns = round(elapsed_s * 1e9)
    return Instant(EPOCH.utc_ns + shift_ns, (EPOCH.boottime_ns or 0) + shift_ns, BOOT)


def run_start(name: str = "salt", **changes: Any) -> RunStart:
    """A run that starts at the epoch."""
    start = RunStart(
        name=name,
        started=EPOCH,
        epoch=EPOCH,
        version="0.1",
        model="seed-16",
        weights_sha256="c0" * 32,
        model_card_json='{"width": 16}',
        backend="openvino bf16",
        settings_json='{"analysis": {"interval_s": 1}}',
        camera="SimCam 7",
        um_per_px=0.5,
        detection_limit_px=6.0,
    )
    return dataclasses.replace(start, **changes)


def observation(label: int, area_px: float, um_per_px: float | None = 0.5, **changes: Any) -> Observation:
    """A crystal of that area."""
    scale = um_per_px
    seen = Observation(
        label=label,
        area_px=area_px,
        equivalent_diameter_px=1.128 * area_px**0.5,
        feret_max_px=area_px**0.5 * 1.4,
        feret_min_px=area_px**0.5,
        length_px=area_px**0.5 * 1.3,
        width_px=area_px**0.5 * 1.1,
        orientation_deg=(label * 7.5) % 180,
        perimeter_px=area_px**0.5 * 4,
        aspect_ratio=0.75,
        solidity=0.97,
        circularity=0.8,
        centroid_x_px=10.25 + label,
        centroid_y_px=20.5,
        bbox_xywh_px=(5 + label, 15, 11, 12),
        touches_border=False,
        contact_labels=(),
        score=0.93,
        habit=Habit.PRISM,
        area_um2=None if scale is None else area_px * scale**2,
        equivalent_diameter_um=None if scale is None else 1.128 * area_px**0.5 * scale,
        feret_max_um=None if scale is None else area_px**0.5 * 1.4 * scale,
        feret_min_um=None if scale is None else area_px**0.5 * scale,
        length_um=None if scale is None else area_px**0.5 * 1.3 * scale,
        width_um=None if scale is None else area_px**0.5 * 1.1 * scale,
        perimeter_um=None if scale is None else area_px**0.5 * 4 * scale,
    )
    return dataclasses.replace(seen, **changes)


def point(crystal_id: int, index: int, area_px: float, confirmed: bool = True, **changes: Any) -> TrackPoint:
    """A point of a trail at frame `index`, one second a frame."""
    made = TrackPoint(crystal_id, index, float(index), observation(crystal_id, area_px), confirmed)
    return dataclasses.replace(made, **changes)


def birth(
    crystal_id: int, seen_s: float, kind: BirthKind = BirthKind.BORN, clear_s: float | None = None
) -> TrailBirth:
    """A birth."""
    return TrailBirth(crystal_id, kind, seen_s, clear_s)


def fit(crystal_id: int, rate: float | None = 0.2, **changes: Any) -> GrowthFit:
    """A fit with an interval of ± 10 %."""
    um = None if rate is None else rate / 2
    made = GrowthFit(
        crystal_id=crystal_id,
        rate_px_per_s=rate,
        low_px_per_s=None if rate is None else rate * 0.9,
        high_px_per_s=None if rate is None else rate * 1.1,
        rate_um_per_s=um,
        low_um_per_s=None if um is None else um * 0.9,
        high_um_per_s=None if um is None else um * 1.1,
        detection_floor_um_per_s=0.004,
        front_speed_px_per_s=0.1,
        fit_points=9,
        fit_window_s=8.0,
        fit_coverage=1.0,
    )
    return dataclasses.replace(made, **changes)


def completion(state: RunState = RunState.GROWING, **changes: Any) -> CompletionState:
    """A state of completion."""
    made = CompletionState(state, 0.25, 1.0, UNKNOWN, UNKNOWN, explanation="it is so")
    return dataclasses.replace(made, **changes)


def distribution(count: int) -> SizeDistribution:
    """A number-weighted distribution."""
    return SizeDistribution("number", "excluded", count, 1.0, 2.0, 3.0, 2.1, 0.4, 1.0)


def field_state(text: str) -> FieldStateRecord:
    """A state that carries a mark."""
    return FieldStateRecord(f'{{"mark": "{text}"}}', "{}", "{}", text.encode())


def result(index: int, points: Iterable[TrackPoint] = (), **changes: Any) -> FrameResult:
    """A good frame, one second a frame; `born`, `ended`, `dropped`, `happened` go to the tracker's step."""
    seen: Sequence[TrackPoint] = tuple(points)
    step = TrackerStep(
        updated=tuple(seen),
        born=tuple(changes.pop("born", ())),
        ended=tuple(changes.pop("ended", ())),
        events=tuple(changes.pop("happened", ())),
        dropped=tuple(changes.pop("dropped", ())),
    )
    area_px = sum(one.observation.area_px for one in seen if one.confirmed)
    made = FrameResult(
        session=SESSION,
        field="main",
        frame_index=index,
        captured=at(index),
        time_source=TimeSource.CAMERA,
        elapsed_s=float(index),
        age_s=0.05,
        width_px=100,
        height_px=50,
        um_per_px=0.5,
        source_name="",
        quality=FrameQuality(FrameStatus.OK, focus=0.5, light=0.4, shift_x_px=0.1, shift_y_px=-0.2),
        backend="openvino bf16",
        tracker=step,
        completion=completion(),
        count=sum(one.confirmed for one in seen),
        total_area_px=area_px,
        total_area_um2=area_px / 4,
        state=field_state(f"after {index}"),
    )
    return dataclasses.replace(made, **changes)


def without_sight(index: int, quality: FrameQuality, **changes: Any) -> FrameResult:
    """A frame of which nothing is known."""
    blank: dict[str, Any] = {
        "backend": None,
        "tracker": None,
        "completion": None,
        "count": None,
        "total_area_px": None,
        "total_area_um2": None,
    }
    return result(index, quality=quality, **(blank | changes))


def growing(index: int, count: int, first_area_px: float = 100.0) -> FrameResult:
    """Frame `index` of a run in which `count` crystals, born at frame 1, grow; confirmed at frame 2."""
    points = [
        point(crystal_id, index, first_area_px + 10.0 * index + crystal_id, confirmed=index >= 2)
        for crystal_id in range(1, count + 1)
        if index >= 1
    ]
    born = [birth(crystal_id, 1.0, clear_s=0.0) for crystal_id in range(1, count + 1)] if index == 2 else []
    fits = tuple(fit(crystal_id) for crystal_id in range(1, count + 1)) if index >= 4 else ()
    return result(index, points, born=born, fits=fits, distributions=(distribution(count),))
