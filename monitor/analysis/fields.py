"""The pipelines of a station's fields: made when a field is first seen, restored where the store knows it."""

from __future__ import annotations

import math

from monitor.analysis.pipeline import FieldPipeline, Segmenter
from monitor.analysis.restoring import history_wanted, restored_state
from monitor.analysis.visits import Visits
from monitor.clock import Instant
from monitor.records.run import Run, SilenceObserved
from monitor.settings.station import StationSettings
from monitor.store import TrailReader, TrailStore

SILENCE_CHECK_S = 1.0
"""Silent fields are looked after this often, seconds of real time."""


class Fields:
    """One `FieldPipeline` for each field of the open run. All moments are of the real clock, never of the frames'."""

    def __init__(
        self, settings: StationSettings, segmenter: Segmenter, store: TrailStore, *, live: bool = True
    ) -> None:
        """No field is known yet. In a replay (`live` False) no frame is awaited, and none is late."""
        self._settings = settings
        self._segmenter = segmenter
        self._store = store
        self._live = live
        self._run_id: int | None = None
        self._muted_until: Instant | None = None
        self._pipelines: dict[str, FieldPipeline] = {}
        self._visits = Visits()
        self._silence_checked: Instant | None = None

    def resume(self, run: Run | None, database: str, now: Instant) -> None:
        """At a live start: what the store knows of the muting in force and of the open run's fields.

        A field of the run that no frame comes from any more is as silent as one that was seen by this process.
        """
        with TrailReader(database) as reader:
            self._muted_until = reader.muted_until(self._settings.name)
            names = reader.field_names(run.run_id) if run is not None else ()
        if run is not None:
            for name in names:
                intervals_s = self._opened(run, name).state.completion.intervals_s
                self._visits.expect(name, now, max(intervals_s, default=None))

    def pipeline(self, run: Run, field: str, now: Instant) -> FieldPipeline:
        """The pipeline of the field that a frame came from; a new run starts every field afresh."""
        pipeline = self._opened(run, field)
        self._visits.see(field, now)
        pipeline.muted_until_s = self._muted_until_s(now)
        return pipeline

    def mute(self, until: Instant | None) -> None:
        """Let no alert fire before `until`, in no field and no later run; None ends the silence."""
        self._muted_until = until

    def muted(self, now: Instant) -> bool:
        """Whether the operator wants no alert at this moment."""
        return self._muted_until_s(now) is not None

    def silent(self, now: Instant) -> list[SilenceObserved]:
        """What fields have become because nothing was seen of them; those that changed.

        Costs next to nothing as long as none has been silent for long enough to be `blind`.
        """
        checked = self._silence_checked
        if not self._live or (checked is not None and now.seconds_since(checked) < SILENCE_CHECK_S):
            return []
        self._silence_checked = now
        observed = []
        for field, pipeline in self._pipelines.items():
            last_s = pipeline.state.last_elapsed_s
            silent_s = self._visits.silent_s(field, now)
            if last_s is None or silent_s < self._settings.completion.blind_after_s:
                continue
            pipeline.muted_until_s = self._muted_until_s(now)
            completion, alerts, state = pipeline.consider_silence(last_s + silent_s)
            if completion.changed or alerts:
                observed.append(SilenceObserved(now, field, completion, alerts, state))
        return observed

    def standing(self, now: Instant) -> SilenceObserved | None:
        """A field as it stands, unchanged, to be committed again: the proof that the analysis and its store work.

        None in a replay, and as long as no field of the open run has had a frame.
        """
        if not self._live:
            return None
        for field, pipeline in self._pipelines.items():
            standing = pipeline.stand_still(self._visits.silent_s(field, now))
            if standing is not None:
                return SilenceObserved(now, field, *standing)
        return None

    def _opened(self, run: Run, field: str) -> FieldPipeline:
        if run.run_id != self._run_id:
            self._pipelines.clear()
            self._segmenter.forget()
            self._visits = Visits()
            self._run_id = run.run_id
        if field not in self._pipelines:
            stored = self._store.load_field(run, field, history_wanted(self._settings))
            state = restored_state(self._settings, stored)
            self._pipelines[field] = FieldPipeline(field, self._settings, self._segmenter, state)
        return self._pipelines[field]

    def _muted_until_s(self, now: Instant) -> float | None:
        """Elapsed seconds of the frames may run faster than the clock that the operator muted by, or have no date."""
        muted = self._muted_until is not None and self._muted_until.seconds_since(now) > 0
        return math.inf if muted else None
