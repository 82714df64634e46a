"""One field's way from a frame to a `FrameResult`: quality, segmentation, measuring, trails, growth, completion.

Everything but the segmentation is pure; this file only hands one stage's record to the next. Replay and the live
daemon run this very code.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine import EngineError, Segmentation
from engine.errors import BackendError
from monitor.alerts import AlertInput, AlertState
from monitor.alerts import step as alerts_step
from monitor.analysis.engine_report import EngineReport, report_of_failure, report_of_frame
from monitor.analysis.stages import timed
from monitor.completion import CompletionInput, CompletionMachineState
from monitor.completion import step as completion_step
from monitor.frame import FailedFrame, Frame
from monitor.kinetics import KineticsInput, KineticsState
from monitor.kinetics import step as kinetics_step
from monitor.measure import measure
from monitor.quality import QualityState, check
from monitor.records import (
    Alert,
    CompletionState,
    Event,
    EventKind,
    FieldStateRecord,
    FrameQuality,
    FrameResult,
    FrameStatus,
    KineticsStep,
    Observation,
    RejectReason,
    RunState,
    TrackerStep,
    pack_labels,
)
from monitor.settings.station import StationSettings
from monitor.tracker import TrackerInput, TrackerState, identities
from monitor.tracker import step as tracker_step

STAGES = ("quality", "segmentation", "measuring", "tracking", "kinetics", "completion")
"""Stages that count towards the time that the analysis of a frame takes."""


_ENGINE_UNKNOWN = EngineReport((), None, "")


class Segmenter(Protocol):
    """What the analysis needs of the engine."""

    def segment(
        self,
        image: NDArray[np.uint8] | NDArray[np.uint16],
        *,
        stream: str = "main",
        at_s: float | None = None,
    ) -> Segmentation:
        """Labels and probabilities of one image, the next of its stream; raises EngineError."""

    def forget(self, stream: str | None = None) -> None:
        """Take the next image of the stream, or of every stream, as its first."""


@dataclass(slots=True)
class FieldState:
    """All that is remembered of a field between two frames; replaced whole with every frame."""

    quality: QualityState
    tracker: TrackerState
    kinetics: KineticsState
    completion: CompletionMachineState
    alerts: AlertState
    last_elapsed_s: float | None = None
    um_per_px: float | None = None
    engine_failed: bool = False


class FieldPipeline:
    """The stages of one field, in order, with the state between frames. Not thread-safe."""

    def __init__(
        self, field: str, settings: StationSettings, segmenter: Segmenter, state: FieldState
    ) -> None:
        """Go on from `state`: fresh, or restored from the store."""
        self._field = field
        self._settings = settings
        self._segmenter = segmenter
        self.state = state
        self.muted_until_s: float | None = None
        """Until then no alert fires, elapsed seconds; set by the operator."""
        self.stop_reason: str | None = None
        """Why the analysis is to stop after this frame: the back end was lost, and the settings say so."""
        self._engine = _ENGINE_UNKNOWN
        self._unseen_s = state.last_elapsed_s or 0.0
        """Time of the last frame, seen or not, elapsed seconds."""
        self._latest: tuple[NDArray[np.int32], float | None, tuple[Observation, ...]] | None = None
        self.timings_s: dict[str, float] = {}
        """Seconds that each stage of the last frame took."""

    def consider(self, frame: Frame, elapsed_s: float, age_s: float | None = None) -> FrameResult:
        """Take a frame through every stage; the result is complete but for losses, which the loop knows.

        Args:
            frame: of this pipeline's field.
            elapsed_s: its time since the run's epoch, seconds.
            age_s: how old it was when its analysis began, seconds; None for files.
        """
        self.timings_s = {}
        events = self._calibration_events(frame)
        if self.state.last_elapsed_s is not None and elapsed_s <= self.state.last_elapsed_s:
            detail = (
                f"the frame's time ({elapsed_s:.3f} s) is not after the last frame's "
                f"({self.state.last_elapsed_s:.3f} s)"
            )
            quality = FrameQuality(FrameStatus.REJECTED, RejectReason.TIME_REVERSED, detail)
            # No stage may be told of a moment in the past: time stands still for them.
            return self._unseen(frame, quality, self.state.last_elapsed_s, age_s, elapsed_s, events)
        with self._timed("quality"):
            self.state.quality, quality = check(self.state.quality, frame, self._settings.quality)
        if quality.status is not FrameStatus.OK:
            return self._unseen(frame, quality, elapsed_s, age_s, elapsed_s, events)
        try:
            with self._timed("segmentation"):
                segmentation = self._segmenter.segment(frame.image, stream=self._field, at_s=elapsed_s)
        except EngineError as error:
            self._engine = report_of_failure(error, self.state.engine_failed)
            events += self._engine.events
            self.state.engine_failed = True
            if isinstance(error, BackendError) and self._settings.analysis.on_engine_loss == "stop":
                self.stop_reason = str(error)
            quality = replace(
                quality, status=FrameStatus.FAILED, reason=RejectReason.ENGINE, detail=str(error)
            )
            return self._unseen(frame, quality, elapsed_s, age_s, elapsed_s, events)
        self._engine = report_of_frame(segmentation, self.state.engine_failed)
        self.state.engine_failed = False
        events += self._engine.events
        self.timings_s |= {f"engine.{name}": seconds for name, seconds in segmentation.timings_s.items()}
        return self._seen(frame, quality, segmentation, elapsed_s, age_s, events)

    def consider_failed(self, failed: FailedFrame, elapsed_s: float) -> FrameResult:
        """Account for a frame that was due and could not be had."""
        self.timings_s = {}
        quality = FrameQuality(FrameStatus.FAILED, RejectReason(failed.cause.value), failed.reason)
        last_s = self.state.last_elapsed_s
        now_s = elapsed_s if last_s is None else max(elapsed_s, last_s)
        return self._unseen(failed, quality, now_s, None, elapsed_s, ())

    def consider_silence(
        self, elapsed_s: float
    ) -> tuple[CompletionState, tuple[Alert, ...], FieldStateRecord]:
        """Let time pass without any frame, so that blindness is noticed, stored and told."""
        completion, alerts = self._without_sight(elapsed_s)
        return completion, alerts, self._state_record()

    def stand_still(
        self, silent_s: float
    ) -> tuple[CompletionState, tuple[Alert, ...], FieldStateRecord] | None:
        """The field as it stands: nothing changes, but for how long it is `blind` already. None before the first frame.

        `silent_s`: seconds without any frame.
        """
        if self.state.last_elapsed_s is None:
            return None
        blind = self.state.completion.state is RunState.BLIND
        at_s = self._unseen_s + silent_s if blind else self.state.last_elapsed_s
        unseen = CompletionInput(at_s, None, None, 0.0, self.state.um_per_px)
        _, completion = completion_step(self.state.completion, unseen, self._settings.completion)
        return completion, (), self._state_record()

    def _seen(
        self,
        frame: Frame,
        quality: FrameQuality,
        segmentation: Segmentation,
        elapsed_s: float,
        age_s: float | None,
        events: tuple[Event, ...],
    ) -> FrameResult:
        state, settings = self.state, self._settings
        with self._timed("measuring"):
            observations = self._measured(segmentation, frame.um_per_px)
        with self._timed("tracking"):
            tracker_input = TrackerInput(
                frame.frame_index,
                elapsed_s,
                segmentation.labels_HW,
                observations,
                quality.shift_x_px,
                quality.shift_y_px,
                segmentation.kept_xywh_px,
                segmentation.inferred_since_s,
            )
            state.tracker, tracker = tracker_step(state.tracker, tracker_input, settings.tracking)
        with self._timed("kinetics"):
            kinetics_input = KineticsInput(
                elapsed_s, frame.um_per_px, frame.width_px, frame.height_px, tracker
            )
            state.kinetics, kinetics = kinetics_step(state.kinetics, kinetics_input, settings.kinetics)
        with self._timed("completion"):
            completion_input = CompletionInput(
                elapsed_s,
                tracker,
                kinetics,
                float(frame.width_px * frame.height_px),
                frame.um_per_px,
                kept=bool(segmentation.kept_xywh_px),
            )
            state.completion, completion = completion_step(
                state.completion, completion_input, settings.completion
            )
        with self._timed("alerts"):
            alerts = self._alerts(elapsed_s, completion, tracker, kinetics)
        state.last_elapsed_s = self._unseen_s = elapsed_s
        # Bodies that fuse several crystals for the moment belong to no trail, but they are there.
        shown = [point.observation for point in tracker.updated if point.confirmed]
        shown += tracker.unresolved
        area_px = sum(observation.area_px for observation in shown)
        with self._timed("state"):
            record = self._state_record()
        return replace(
            self._result(frame, quality, elapsed_s, age_s, events),
            backend=segmentation.backend,
            tracker=tracker,
            fits=kinetics.fits,
            distributions=kinetics.distributions,
            completion=completion,
            count=len(shown),
            total_area_px=area_px,
            total_area_um2=area_px * frame.um_per_px**2 if frame.um_per_px is not None else None,
            alerts=alerts,
            state=record,
            labels_HW=identities(segmentation.labels_HW, tracker),
        )

    def _measured(self, segmentation: Segmentation, um_per_px: float | None) -> tuple[Observation, ...]:
        """Observations of the frame; those of the frame before where the very same labels stand for it."""
        latest = self._latest
        if latest is not None and latest[0] is segmentation.labels_HW and latest[1] == um_per_px:
            return latest[2]
        observations = measure(
            segmentation.labels_HW,
            segmentation.probability_HW,
            segmentation.scores,
            um_per_px,
            self._settings.measuring,
        )
        self._latest = (segmentation.labels_HW, um_per_px, observations)
        return observations

    def _unseen(
        self,
        frame: Frame | FailedFrame,
        quality: FrameQuality,
        now_s: float,
        age_s: float | None,
        elapsed_s: float,
        events: tuple[Event, ...],
    ) -> FrameResult:
        """A frame of which nothing is known: the trails stand still, blindness comes nearer."""
        before_s = self.state.kinetics.frames_s
        if not before_s.size or elapsed_s > before_s[-1]:
            # It counts against the coverage of every fit whose window it lies in.
            nothing_seen = KineticsInput(elapsed_s, self.state.um_per_px, 0, 0, None)
            self.state.kinetics, _ = kinetics_step(self.state.kinetics, nothing_seen, self._settings.kinetics)
        self._unseen_s = now_s
        completion, alerts = self._without_sight(now_s)
        return replace(
            self._result(frame, quality, elapsed_s, age_s, events),
            completion=completion,
            alerts=alerts,
            state=self._state_record(),
        )

    def _without_sight(self, elapsed_s: float) -> tuple[CompletionState, tuple[Alert, ...]]:
        state = self.state
        unseen = CompletionInput(elapsed_s, None, None, 0.0, state.um_per_px)
        state.completion, completion = completion_step(state.completion, unseen, self._settings.completion)
        return completion, self._alerts(elapsed_s, completion, None, None)

    def _alerts(
        self,
        elapsed_s: float,
        completion: CompletionState,
        tracker: TrackerStep | None,
        kinetics: KineticsStep | None,
    ) -> tuple[Alert, ...]:
        alert_input = AlertInput(
            elapsed_s=elapsed_s,
            tracker=tracker,
            kinetics=kinetics,
            completion=completion,
            field=self._field,
            analysis_s=sum(self.timings_s[name] for name in STAGES if name in self.timings_s) or None,
            interval_s=self._settings.analysis.interval_s or None,
            muted_until_s=self.muted_until_s,
            engine_works=self._engine.works,
            engine_says=self._engine.says,
        )
        self.state.alerts, alerts = alerts_step(self.state.alerts, alert_input, self._settings.alerts)
        return alerts

    def _calibration_events(self, frame: Frame) -> tuple[Event, ...]:
        before, now = self.state.um_per_px, frame.um_per_px
        self.state.um_per_px = now
        if before is None or before == now:
            return ()
        self._segmenter.forget(self._field)
        text = "unknown" if now is None else f"{now:g} µm/px"
        return (
            Event(
                EventKind.CALIBRATION_CHANGED,
                f"calibration changed from {before:g} µm/px to {text}",
                value=now,
            ),
        )

    def _state_record(self) -> FieldStateRecord:
        tracker = self.state.tracker
        identities_HW = tracker.identities_HW
        return FieldStateRecord(
            tracker_json=tracker.to_json(),
            completion_json=self.state.completion.to_json(),
            alerts_json=self.state.alerts.to_json(),
            labels=b"" if identities_HW is None else pack_labels(identities_HW),
        )

    def _result(
        self,
        frame: Frame | FailedFrame,
        quality: FrameQuality,
        elapsed_s: float,
        age_s: float | None,
        events: tuple[Event, ...],
    ) -> FrameResult:
        image = frame if isinstance(frame, Frame) else None
        return FrameResult(
            session=frame.session,
            field=frame.field,
            frame_index=frame.frame_index,
            captured=frame.captured,
            time_source=frame.time_source,
            elapsed_s=elapsed_s,
            age_s=age_s,
            width_px=image.width_px if image else None,
            height_px=image.height_px if image else None,
            um_per_px=image.um_per_px if image else None,
            source_name=frame.source_name,
            quality=quality,
            events=events,
        )

    def _timed(self, stage: str) -> AbstractContextManager[None]:
        return timed(stage, self.timings_s)
