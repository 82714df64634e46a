"""What stands in the metrics after frames and silences."""

from __future__ import annotations

import pytest

from monitor.clock import SystemClock
from monitor.metrics import EngineFigures, StationMetrics
from monitor.metrics.counting import STAGES
from monitor.records import EndReason, Forecast, FrameQuality, FrameStatus, RejectReason, RunState, TrailEnd
from monitor.records.run import Run, RunStart, SilenceObserved
from tests.trail_results import birth, completion, field_state, fit, growing, result, without_sight

CLOCK = SystemClock()
STAGES_S = dict.fromkeys((*STAGES, "frame", "segmentation"), 0.015)


def run(number: int = 1, zero_s: float = 0.0) -> Run:
    now = CLOCK.now()
    return Run(number, RunStart("the run", now, now), zero_s=zero_s)


def value(metrics: StationMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"crystal_monitor_{name}", labels)


def test_frames_are_counted_by_field_status_and_reason(metrics: StationMetrics) -> None:
    dark = FrameQuality(FrameStatus.REJECTED, RejectReason.DARK)
    for index, seen in enumerate([result(0), without_sight(1, dark), without_sight(2, dark)]):
        metrics.see_frame(run(), seen, CLOCK.now(), STAGES_S)
        assert value(metrics, "stage_seconds_count", stage="append") == index + 1
    assert value(metrics, "frames_total", field="main", status="ok", reason="") == 1
    assert value(metrics, "frames_total", field="main", status="rejected", reason="dark") == 2


def test_a_stage_lands_in_the_histogram_under_its_name(metrics: StationMetrics) -> None:
    metrics.see_frame(run(), result(0), CLOCK.now(), {"engine.network": 0.015, "frame": 0.04})
    assert value(metrics, "stage_seconds_bucket", stage="infer", le="0.01") == 0
    assert value(metrics, "stage_seconds_bucket", stage="infer", le="0.02") == 1
    assert value(metrics, "stage_seconds_count", stage="append") == 0, "it shows before it ran"
    assert value(metrics, "frame_seconds_sum") == 0.04
    assert value(metrics, "frame_age_seconds_count") == 1


def test_crystals_coverage_and_growth_are_those_of_the_last_good_frame(metrics: StationMetrics) -> None:
    metrics.see_frame(run(), growing(4, 3), CLOCK.now(), {})
    metrics.see_frame(run(), without_sight(5, FrameQuality(FrameStatus.FAILED)), CLOCK.now(), {})
    assert value(metrics, "crystals", field="main") == 3
    area_px = value(metrics, "crystal_area_px2", field="main")
    assert area_px == pytest.approx(3 * 140 + 6)
    assert value(metrics, "coverage_ratio", field="main") == pytest.approx(area_px / 5000)
    assert value(metrics, "growth_rate_median_um_per_second", field="main") == pytest.approx(0.1)


def test_a_crystal_that_ended_is_not_in_the_median(metrics: StationMetrics) -> None:
    fits = (fit(1, 0.2), fit(2, 0.4), fit(3, 4.0))
    metrics.see_frame(run(), result(1, fits=fits), CLOCK.now(), {})
    assert value(metrics, "growth_rate_median_px_per_second", field="main") == 0.4
    gone = TrailEnd(3, EndReason.LEFT, 2.0)
    metrics.see_frame(run(), result(2, ended=[gone], born=[birth(4, 2.0)]), CLOCK.now(), {})
    assert value(metrics, "growth_rate_median_px_per_second", field="main") == pytest.approx(0.3)
    assert value(metrics, "trails_ended_total", reason="left") == 1
    assert value(metrics, "trails_begun_total", kind="born") == 1


def test_the_state_is_one_of_all(metrics: StationMetrics) -> None:
    metrics.see_frame(run(), result(0), CLOCK.now(), {})
    silence = SilenceObserved(CLOCK.now(), "main", completion(RunState.BLIND), (), field_state("blind"))
    for state in (RunState.GROWING, RunState.BLIND):
        shown = {each: value(metrics, "state", field="main", state=each.value) for each in RunState}
        assert shown == {each: float(each is state) for each in RunState}
        metrics.see_silence(run(), silence, CLOCK.now())


def test_forecasts_count_from_the_operators_time_zero(metrics: StationMetrics) -> None:
    forecast = completion(t95=Forecast(1000.0, 900.0, None))
    metrics.see_frame(run(zero_s=100.0), result(600, completion=forecast), CLOCK.now(), {})
    assert value(metrics, "elapsed_seconds", field="main") == 500
    assert value(metrics, "t95_seconds", field="main") == 900
    assert value(metrics, "t95_low_seconds", field="main") == 800
    assert value(metrics, "t95_high_seconds", field="main") is None, "what is not known has no sample"


def test_another_run_begins_without_the_fields_of_the_last(metrics: StationMetrics) -> None:
    metrics.see_frame(run(), result(0, field="well A"), CLOCK.now(), {})
    assert value(metrics, "crystals", field="well A") == 0
    metrics.see_frame(run(2), result(0, field="well B"), CLOCK.now(), {})
    assert value(metrics, "crystals", field="well A") is None
    assert value(metrics, "run_info", run_id="2", run="the run") == 1


def test_time_since_a_frame_goes_on_while_a_silence_is_committed(metrics: StationMetrics) -> None:
    earlier = CLOCK.now().after(-50)
    metrics.see_frame(run(), result(0), earlier, {})
    silence = SilenceObserved(CLOCK.now(), "main", completion(RunState.BLIND), (), field_state("blind"))
    metrics.see_silence(run(), silence, CLOCK.now())
    since_frame, since_commit = value(metrics, "seconds_since_frame"), value(metrics, "seconds_since_commit")
    assert since_frame is not None
    assert since_commit is not None
    assert since_frame >= 50
    assert since_commit < 10


def test_engine_and_station_are_named(metrics: StationMetrics) -> None:
    metrics.see_engine(EngineFigures("openvino bf16", degraded=True))
    assert value(metrics, "backend_degraded") == 1
    weights = "0" * 64
    assert (
        value(metrics, "backend_info", backend="openvino bf16", model="default", weights_sha256=weights) == 1
    )
    assert value(metrics, "station_info", station="test", camera="simulated", policy="latest") == 1
    assert value(metrics, "frames_lost_total", cause="superseded") == 3
    assert value(metrics, "grabber_grabbed_total") == 7
