"""What is wrong with a station, and how to mend it. Looks at everything, mends nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monitor.clock import Clock
from monitor.errors import SettingsError, StoreUnusableError, WrongStationError
from monitor.service.doctor.database import look_at_database
from monitor.service.doctor.engine import look_at_engine, look_at_folder_of_models
from monitor.service.doctor.finding import Finding, Grade, from_message, ok
from monitor.service.doctor.machine import look_at_machine
from monitor.service.doctor.station import look_at_station
from monitor.service.station_status import station_status
from monitor.settings.loading import load_settings
from monitor.settings.station import StationSettings

__all__ = ["Finding", "Grade", "examine"]


def examine(config: Path | None, overrides: dict[str, dict[str, object]], clock: Clock) -> Iterator[Finding]:
    """Every finding, as it is made: machine, engine and database always, the station's own things with a `config`.

    A settings file that cannot be loaded is a finding, and the rest is looked at with the defaults.
    """
    yield from look_at_machine()
    try:
        settings = load_settings(config, overrides)
        if config is not None:
            yield ok("settings", f"{config} is understood: station {settings.name}")
    except SettingsError as error:
        yield from_message("settings", error)
        settings, config = StationSettings.model_validate(overrides), None
    yield from look_at_engine(settings.analysis)
    yield look_at_folder_of_models(settings.analysis)
    yield from look_at_database(settings.storage)
    if config is not None:
        status = None
        try:
            status = station_status(settings)
        except WrongStationError as error:
            yield from_message("daemon", error)
        except StoreUnusableError:
            pass  # said by the database's own findings
        yield from look_at_station(settings, status, clock)
