"""What would keep a station from starting, found without starting it, in the words of the start. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from engine import EngineError, load_card
from engine.backends import create_backend
from monitor.alerts.sinks import check_sink
from monitor.camera import simulation_of
from monitor.errors import SettingsError, SourceError, StoreUnusableError, UserError
from monitor.service.places import wrong_places
from monitor.settings.analysis import AnalysisSettings
from monitor.settings.camera import SimulatedCameraSettings
from monitor.settings.secrets import Secret, entry_name, secrets_in
from monitor.settings.station import StationSettings
from monitor.store import check_driver, locate


def wrong_at_start(settings: StationSettings) -> list[str]:
    """What is wrong with what the settings name, each with its remedy; empty if nothing is.

    Places, the simulated experiment, the database's driver, the alert sinks (nothing is sent), and whether the back end
    can run here: it is opened and closed, but neither compiled nor proven. Raises StoreUnusableError for a database's
    address that is none.
    """
    return [
        *wrong_places(settings),
        *wrong_experiment(settings),
        *_driver(settings),
        *_sinks(settings),
        *_engine(settings.analysis),
    ]


def wrong_experiment(settings: StationSettings) -> list[str]:
    """What is wrong with the simulated experiment, on whatever machine; empty if nothing is or there is none."""
    if isinstance(settings.camera, SimulatedCameraSettings):
        try:
            simulation_of(settings.camera)
        except SourceError as error:
            return [f"camera.preset: {error}"]
    return []


def _driver(settings: StationSettings) -> Iterator[str]:
    if locate(settings.storage.database).path is None:
        try:
            check_driver()
        except StoreUnusableError as error:
            yield f"storage.database: {error}"


def _sinks(settings: StationSettings) -> Iterator[str]:
    for number, sink in enumerate(settings.alerts.sinks):
        if not all(_readable(secret) for _, secret in secrets_in(sink)):
            continue  # that is told with the places, or the secret is a credential of the unit's alone
        try:
            check_sink(sink, settings.name)
        except UserError as error:
            yield f"{entry_name('alerts.sinks', number, sink)}: {error}"


def _readable(secret: Secret) -> bool:
    try:
        secret.read_bytes()
    except SettingsError:
        return False
    return True


def _engine(settings: AnalysisSettings) -> Iterator[str]:
    try:
        card = load_card(settings.model)
        # Without the cache's folder: nothing is compiled, and nothing is to be made.
        create_backend(settings.backend, card, threads=settings.threads).close()
    except EngineError as error:
        yield f"analysis: the engine cannot start: {error}"
