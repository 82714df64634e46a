"""What is counted with every commit, in the loop's thread: it must cost next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from monitor.records import BirthKind, EndReason, FrameResult

STAGES = {
    "quality": "quality",
    "engine.preprocess": "preprocess",
    "engine.network": "infer",
    "engine.postprocess": "postprocess",
    "measuring": "measure",
    "tracking": "track",
    "kinetics": "kinetics",
    "completion": "completion",
    "alerts": "alerts",
    "state": "state",
    "archive": "archive",
    "append": "append",
    "emit": "emit",
}
"""The analysis' names of its stages, in order, and those of the metrics."""
WHOLE = "frame"
"""The analysis' name for the time from the taking of a frame to its commit."""

_STAGE_BUCKETS_S = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
_AGE_BUCKETS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class FrameCounters:
    """Counters and histograms of frames. One thread writes; scrapes read from others."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """All at zero; every stage and cause that there is shows from the start, so that no rate begins with a gap."""
        stages = Histogram(
            "crystal_monitor_stage_seconds",
            "Time that each stage of a frame's analysis took.",
            ["stage"],
            buckets=_STAGE_BUCKETS_S,
            registry=registry,
        )
        self._stages: dict[str, Callable[[float], None]] = {
            name: stages.labels(shown).observe for name, shown in STAGES.items()
        }
        self._stages[WHOLE] = Histogram(
            "crystal_monitor_frame_seconds",
            "Time from the taking of a frame to its commit.",
            buckets=_STAGE_BUCKETS_S,
            registry=registry,
        ).observe
        self._age = Histogram(
            "crystal_monitor_frame_age_seconds",
            "Age of a frame when its analysis began.",
            buckets=_AGE_BUCKETS_S,
            registry=registry,
        )
        self._frames = Counter(
            "crystal_monitor_frames",
            "Frames considered and committed, by field, status (ok, failed, rejected) and reason.",
            ["field", "status", "reason"],
            registry=registry,
        )
        self._births = Counter(
            "crystal_monitor_trails_begun", "Crystals' trails confirmed, by kind of birth.", ["kind"],
            registry=registry,
        )  # fmt: skip
        self._ends = Counter(
            "crystal_monitor_trails_ended",
            "Crystals' trails ended, by reason.",
            ["reason"],
            registry=registry,
        )
        for kind in BirthKind:
            self._births.labels(kind.value)
        for reason in EndReason:
            self._ends.labels(reason.value)
        self._frames_by_key: dict[tuple[str, str, str], Callable[[], None]] = {}

    def count(self, result: FrameResult, stages_s: Mapping[str, float]) -> None:
        """A frame was committed; `stages_s`: the analysis' times by its own names of the stages, seconds."""
        for name, seconds in stages_s.items():
            observe = self._stages.get(name)
            if observe is not None:
                observe(seconds)
        if result.age_s is not None:
            self._age.observe(result.age_s)
        reason = result.quality.reason
        key = (result.field, result.quality.status.value, "" if reason is None else reason.value)
        increase = self._frames_by_key.get(key)
        if increase is None:
            increase = self._frames_by_key[key] = self._frames.labels(*key).inc
        increase()
        if result.tracker is not None:
            for birth in result.tracker.born:
                self._births.labels(birth.kind.value).inc()
            for end in result.tracker.ended:
                self._ends.labels(end.reason.value).inc()
