"""From settings to the engine; without the rest of the analysis, which a still does not need."""

from __future__ import annotations

from engine import ChangeGate, EngineError, Segmenter
from engine.tile_comparison import Tolerances
from monitor.errors import SettingsError
from monitor.settings.change_gate import ChangeGateSettings
from monitor.settings.station import StationSettings


def open_segmenter(settings: StationSettings) -> Segmenter:
    """The engine that the settings name. Raises SettingsError: unknown weights, a back end that cannot run here."""
    analysis = settings.analysis
    try:
        return Segmenter(
            model=analysis.model,
            backend=analysis.backend,
            threads=analysis.threads,
            cache=analysis.model_cache,
            engines=analysis.engines,
            on_loss=analysis.on_engine_loss,
            gate=_change_gate(analysis.change_gate),
        )
    except EngineError as error:
        raise SettingsError(f"the engine cannot start: {error}") from error


def _change_gate(settings: ChangeGateSettings) -> ChangeGate | None:
    if not settings.enabled:
        return None
    tolerances = Tolerances(
        deviations=settings.deviations,
        front_px=settings.front_px,
        shift_px=settings.shift_px,
        blur_px=settings.blur_px,
        gain=settings.contrast,
        offset=settings.level,
    )
    return ChangeGate(max_age_s=settings.max_age_s, tile_px=settings.tile_px, tolerances=tolerances)
