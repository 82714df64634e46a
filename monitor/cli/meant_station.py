"""Which station a command means, and what of it the user has named: only that is held against whoever answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.settings.station import StationSettings


@dataclass(frozen=True, slots=True)
class MeantStation:
    """A station's settings, and whose word they are."""

    settings: StationSettings
    """File, environment, flags, and defaults for the rest."""
    named: bool
    """Whether a settings file, or CRYSTAL_MONITOR__NAME, says which station."""
    database_named: bool
    """Whether a settings file, the environment or --database says which database; else it is the user's own."""


def meant_station(config: Path | None, database: str | None) -> MeantStation:
    """The station of `--config` and `--database`. Raises SettingsError."""
    from monitor.settings.loading import load_settings

    settings = load_settings(config, {} if database is None else {"storage": {"database": database}})
    return MeantStation(
        settings,
        named=config is not None or "name" in settings.model_fields_set,
        database_named=config is not None or "database" in settings.storage.model_fields_set,
    )
