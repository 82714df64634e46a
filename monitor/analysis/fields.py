"""The pipelines of a station's fields: made when a field is first seen, restored where the store knows it."""

from __future__ import annotations

from monitor.analysis.pipeline import FieldPipeline, Segmenter
from monitor.analysis.restoring import history_wanted, restored_state
from monitor.clock import Instant
from monitor.records.run import Run, SilenceObserved
from monitor.settings.station import StationSettings
from monitor.store import TrailStore


class Fields:
    """One `FieldPipeline` for each field of the open run."""

    def __init__(self, settings: StationSettings, segmenter: Segmenter, store: TrailStore) -> None:
        """No field is known yet."""
        self._settings = settings
        self._segmenter = segmenter
        self._store = store
        self._run_id: int | None = None
        self._muted_until: Instant | None = None
        self._pipelines: dict[str, FieldPipeline] = {}

    def pipeline(self, run: Run, field: str) -> FieldPipeline:
        """The field's pipeline in this run; a new run starts every field afresh."""
        if run.run_id != self._run_id:
            self._pipelines.clear()
            self._run_id = run.run_id
        if field not in self._pipelines:
            stored = self._store.load_field(run, field, history_wanted(self._settings))
            state = restored_state(self._settings, stored)
            self._pipelines[field] = FieldPipeline(field, self._settings, self._segmenter, state)
            self._pipelines[field].muted_until_s = self._muted_until_s(run)
        return self._pipelines[field]

    def mute(self, run: Run, until: Instant | None) -> None:
        """Let no alert fire before `until`, in no field and no later run; None ends the silence."""
        self._muted_until = until
        for pipeline in self._pipelines.values():
            pipeline.muted_until_s = self._muted_until_s(run)

    def _muted_until_s(self, run: Run) -> float | None:
        return None if self._muted_until is None else run.elapsed_s(self._muted_until)

    def silent(self, now: Instant, silent_s: float) -> list[SilenceObserved]:
        """Let `silent_s` seconds without any frame count, up to `now`; what changed because of it, field by field."""
        observed = []
        for field, pipeline in self._pipelines.items():
            last_s = pipeline.state.last_elapsed_s
            if last_s is None:
                continue
            completion, alerts, state = pipeline.consider_silence(last_s + silent_s)
            if completion.changed or alerts:
                observed.append(SilenceObserved(now, field, completion, alerts, state))
        return observed
