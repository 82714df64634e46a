"""How a station stands: what its daemon says where it is up, and what its database holds in either case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from monitor.analysis import AskStatus, DaemonStatus, Door, ask_daemon, knock, meant_endpoint, place_of
from monitor.errors import (
    ControlError,
    NoAnswerError,
    QueryError,
    StoreError,
    UnknownRunError,
    WrongStationError,
)
from monitor.service.station_troubles import RoomStatus, troubles_of
from monitor.settings.endpoints import IPC_PREFIX
from monitor.settings.redaction import STARS, without_passwords
from monitor.settings.station import StationSettings
from monitor.settings.stream import runtime_folder
from monitor.settings.waits import ANSWER_WITHIN_S
from monitor.store import TrailReader, locate, measure_store
from monitor.version import __version__

LONGEST_WAIT_S = ANSWER_WITHIN_S
"""The daemon is given at most so long to answer, seconds; it does so between two frames."""
_ALERTS_SHOWN = 5

Row = dict[str, Any]


class Verdict(StrEnum):
    """The whole in a word."""

    OK = "ok"
    TROUBLE = "trouble"
    DOWN = "down"
    """The daemon does not run; what is told is the database's."""


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """What the database says; None where there is nothing of the kind yet."""

    run: Row
    """The last run's row of `run_summary`."""
    fields: tuple[Row, ...]
    """field, state, explanation of each field."""
    last_frame: Row | None
    """The newest row of `frame_log`."""
    median_rate_um_per_s: float | None
    """Median growth rate of the crystals that live, µm/s."""
    alerts: tuple[Row, ...]
    """Raised alerts of the run that nobody acknowledged, newest first, at most five."""
    alerts_unacknowledged: int
    """How many there are in all."""
    deliveries: tuple[Row, ...]
    """Per sink: how many alerts wait, since when the oldest, how often it was tried, and the last error."""


@dataclass(frozen=True, slots=True)
class StationStatus:
    """Everything that `crystal-monitor status` tells."""

    verdict: Verdict
    """The whole in a word."""
    station: str
    """Name of the station."""
    database: str
    """Its database, without a password."""
    told_by: str
    """Where this comes from: daemon and database, or one of them, and why."""
    daemon: DaemonStatus | None
    """What the daemon says; None while it is down or silent."""
    stored: StoredStatus | None
    """What the database says; None where there is no run in it, or it cannot be read."""
    room: RoomStatus | None
    """None for PostgreSQL, and where there is no file yet."""
    troubles: tuple[str, ...] = field(default=())
    """What is wrong, in the user's terms."""

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        plain = {**asdict(self), "verdict": self.verdict.value, "version": __version__}
        plain["daemon"] = self.daemon.model_dump() if self.daemon is not None else None
        return plain


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking the daemon."""

    status: DaemonStatus | None
    """Its answer."""
    why_not: str = ""
    """Why there is none."""
    up: bool = True
    """Whether it runs, even where it does not answer."""


@dataclass(frozen=True, slots=True)
class StationHere:
    """The station that runs here, for who has no settings file of it."""

    settings: StationSettings
    """What was given, with what its daemon says of itself."""
    asked: Asked | None = None
    """What came of asking; None where nothing was asked."""
    database_told: bool = False
    """Whether the database is the daemon's word alone, which holds no password."""


def station_status(
    settings: StationSettings, asked: Asked | None = None, *, database_told: bool = False
) -> StationStatus:
    """Ask the daemon, unless that was done just now, then the database.

    `database_told`: see `StationHere`; that it cannot be read is no trouble then. Raises StoreUnusableError for a
    database's address that is none, WrongStationError where the daemon that answers is another station's.
    """
    if asked is None:
        asked = _ask(settings.control_endpoint, _address(settings, named=True, database_named=True), settings)
    daemon = asked.status
    run_id = daemon.run_id if daemon is not None else None
    # An SQLite file is one station's, and had runs before they were marked with it.
    shared = locate(settings.storage.database).path is None
    stored, store_says = _stored(settings.storage.database, run_id, settings.name if shared else None)
    room = _room(settings)
    troubles = list(
        troubles_of(
            settings,
            daemon,
            stored.fields if stored is not None else (),
            stored.deliveries if stored is not None else (),
            room,
        )
    )
    if asked.up and asked.why_not:
        troubles.insert(0, asked.why_not)
    if store_says and database_told:
        store_says = f"{store_says}; with the station's settings it may be read: `status FILE`"
    elif asked.up and store_says:
        troubles.append(store_says)
    verdict = Verdict.TROUBLE if troubles else Verdict.OK
    return StationStatus(
        verdict=verdict if asked.up else Verdict.DOWN,
        station=settings.name,
        database=without_passwords(settings.storage.database),
        told_by=_told_by(asked.why_not, store_says),
        daemon=daemon,
        stored=stored,
        room=room,
        troubles=tuple(troubles),
    )


def the_station_here(settings: StationSettings, *, named: bool, database_named: bool) -> StationHere:
    """The station that the settings name, else the one that runs here; as it is given where none answers.

    Its database is the daemon's to tell, unless the user named one. Raises WrongStationError where the daemon that
    answers is not of what was `named`, or where several run and none was.
    """
    meant = meant_endpoint(settings, named=named)
    asked = _ask(meant.endpoint, _address(settings, named=named, database_named=database_named), settings)
    if not asked.up:
        return StationHere(settings, asked)
    control = settings.control.model_copy(update={"endpoint": meant.endpoint})
    found = settings.model_copy(update={"control": control})
    told = asked.status
    if told is None:
        # It does not say its name, which is that of its folder, if it has one.
        folder = Path(meant.endpoint.removeprefix(IPC_PREFIX)).parent
        own = meant.found and folder != runtime_folder()
        return StationHere(found.model_copy(update={"name": folder.name}) if own else found, asked)
    database_told = not database_named and bool(told.database)
    storage = settings.storage
    if database_told:
        storage = storage.model_copy(update={"database": _without_stars(told.database)})
    return StationHere(
        found.model_copy(update={"name": told.station, "storage": storage}), asked, database_told
    )


def _without_stars(database: str) -> str:
    """The address that a daemon tells, to be read with whatever password the user's own environment holds."""
    url = locate(database).url
    query = {name: value for name, value in url.query.items() if value != STARS}
    password = None if url.password == STARS else url.password  # `URL.set` takes None for "as it is"
    bare = URL.create(url.drivername, url.username, password, url.host, url.port, url.database, query)
    return bare.render_as_string(hide_password=False)


def _told_by(daemon_says: str, store_says: str) -> str:
    if daemon_says and store_says:
        return f"nobody: {daemon_says}; {store_says}"
    if daemon_says:
        return f"the database alone: {daemon_says}"
    return f"the daemon alone: {store_says}" if store_says else "the daemon and the database"


def _address(settings: StationSettings, *, named: bool, database_named: bool) -> AskStatus:
    return AskStatus(
        station=settings.name if named else "",
        database=place_of(settings.storage.database) if database_named else "",
    )


def _ask(endpoint: str, request: AskStatus, settings: StationSettings) -> Asked:
    path = Path(endpoint.removeprefix(IPC_PREFIX))
    found = knock(path)
    if found.door is not Door.LISTENS:
        return Asked(None, found.why_not, up=found.door is not Door.DOWN)
    wait_s = min(settings.control.timeout_s, LONGEST_WAIT_S)
    try:
        answer = ask_daemon(endpoint, request, wait_s)
    except WrongStationError:
        raise
    except NoAnswerError:
        return Asked(
            None,
            f"the daemon does not answer within {wait_s:g} s: it is frozen, or a frame takes longer than that",
        )
    except ControlError as error:
        return Asked(None, f"the daemon does not say how it stands ({error}): is it of another version?")
    if answer is None:
        return Asked(None, f"the daemon has just ended: nothing answers at {path}", up=False)
    return Asked(DaemonStatus.model_validate_json(answer))


def _stored(database: str, run_id: int | None, station: str | None) -> tuple[StoredStatus | None, str]:
    """What the database says of that run, else of the last (of the station, where it is named); or why it does not."""
    try:
        with TrailReader(database) as reader:
            if run_id is None:
                run_id = reader.find_run("last", station)
            run = dict(next(reader.view("run_summary", run_id).records()))
            median_rate = reader.median_growth_rate(run_id)
            alerts = tuple(reader.newest_alerts(run_id, _ALERTS_SHOWN).records())
            unacknowledged = reader.unacknowledged_alerts(run_id)
            fields = tuple(
                {name: row[name] for name in ("field", "state", "explanation")}
                for row in reader.field_explanations(run_id).records()
            )
            newest = [
                dict(row)
                for each in fields
                for row in reader.stream("frame_log", run_id, newest=1, field=str(each["field"])).records()
            ]
            waiting = [dict(row) for row in reader.stream("delivery_log", None, state="pending").records()]
            deliveries = tuple(_deliveries(row for row in waiting if station in (None, row["station"])))
    except UnknownRunError:
        return None, "there is no run in the database yet"
    except (StoreError, QueryError) as error:
        return None, f"the database does not answer: {error}"
    return (
        StoredStatus(
            run=run,
            fields=fields,
            last_frame=max(newest, key=lambda row: float(str(row["elapsed_s"])), default=None),
            median_rate_um_per_s=median_rate,
            alerts=alerts,
            alerts_unacknowledged=unacknowledged,
            deliveries=deliveries,
        ),
        "",
    )


def _deliveries(waiting: Iterable[Row]) -> Iterator[Row]:
    by_sink: dict[str, list[Row]] = {}
    for row in waiting:
        by_sink.setdefault(str(row["sink"]), []).append(row)
    for sink, rows in sorted(by_sink.items()):
        oldest = min(rows, key=lambda row: str(row["queued_at"]))
        yield {
            "sink": sink,
            "waiting": len(rows),
            "oldest_queued_at": oldest["queued_at"],
            "attempts": max(int(row["attempts"]) for row in rows),
            "last_error": oldest["last_error"],
        }


def _room(settings: StationSettings) -> RoomStatus | None:
    room = measure_store(settings.storage.database)
    if room.database_bytes is None or room.free_bytes is None or room.disk_bytes is None:
        return None
    return RoomStatus(room.database_bytes, room.wal_bytes or 0, room.free_bytes, room.disk_bytes)
