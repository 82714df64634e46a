"""How a station stands: what its daemon says where it is up, and what its database holds in either case."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from monitor.analysis import AskStatus, DaemonStatus, ask_daemon, is_answered, meant_endpoint, place_of
from monitor.errors import ControlError, QueryError, StoreError, UnknownRunError, WrongStationError
from monitor.service.station_troubles import RoomStatus, troubles_of
from monitor.settings.endpoints import IPC_PREFIX
from monitor.settings.redaction import without_passwords
from monitor.settings.station import StationSettings
from monitor.settings.stream import runtime_folder
from monitor.store import TrailReader, locate, measure_store
from monitor.version import __version__

LONGEST_WAIT_S = 5.0
"""The daemon is given at most so long to answer; it does so between two frames."""
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


def station_status(settings: StationSettings) -> StationStatus:
    """Ask the daemon, then the database.

    Raises StoreUnusableError for a database's address that is none, WrongStationError where the daemon that answers is
    another station's.
    """
    asked = _ask(settings)
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
    if asked.up and store_says:
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


def the_station_here(settings: StationSettings, *, database_named: bool) -> StationSettings:
    """Settings of the one station that runs here, for who named none; as they are where none answers.

    Its file of a database is the daemon's to tell, unless the user named one. Raises WrongStationError where several
    stations run.
    """
    endpoint = meant_endpoint(settings, named=False)
    path = Path(endpoint.removeprefix(IPC_PREFIX))
    if not is_answered(path):
        return settings
    control = settings.control.model_copy(update={"endpoint": endpoint})
    found = settings.model_copy(update={"control": control})
    try:
        answer = ask_daemon(endpoint, AskStatus(), min(settings.control.timeout_s, LONGEST_WAIT_S))
    except ControlError:
        return found
    if answer is None:
        # It is frozen, and its name is that of its folder, if it has one.
        own = path.parent != runtime_folder()
        return found.model_copy(update={"name": path.parent.name}) if own else found
    told = DaemonStatus.model_validate_json(answer)
    storage = settings.storage
    if not database_named and told.database.startswith("sqlite:"):
        storage = storage.model_copy(update={"database": told.database})
    return found.model_copy(update={"name": told.station, "storage": storage})


def _told_by(daemon_says: str, store_says: str) -> str:
    if daemon_says and store_says:
        return f"nobody: {daemon_says}; {store_says}"
    if daemon_says:
        return f"the database alone: {daemon_says}"
    return f"the daemon alone: {store_says}" if store_says else "the daemon and the database"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of asking the daemon."""

    status: DaemonStatus | None
    why_not: str = ""
    up: bool = True


def _ask(settings: StationSettings) -> _Asked:
    path = settings.control_endpoint.removeprefix("ipc://")
    unreachable = _knock(path)
    if unreachable is not None:
        return unreachable
    wait_s = min(settings.control.timeout_s, LONGEST_WAIT_S)
    try:
        asked = AskStatus(station=settings.name, database=place_of(settings.storage.database))
        answer = ask_daemon(settings.control_endpoint, asked, wait_s)
    except WrongStationError:
        raise
    except ControlError as error:
        return _Asked(None, f"the daemon does not say how it stands ({error}): is it of another version?")
    if answer is None:
        return _Asked(
            None,
            f"the daemon does not answer within {wait_s:g} s: it is frozen, or a frame takes longer than that",
        )
    return _Asked(DaemonStatus.model_validate_json(answer))


def _knock(path: str) -> _Asked | None:
    """Why there is no use in asking; None where there is. Only a socket that nobody listens on is a daemon's that is
    down."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            probe.connect(path)
    except PermissionError:
        return _Asked(None, f"this user may not ask the daemon at {path}: use its user, or one of its group")
    except (ConnectionRefusedError, FileNotFoundError):
        return _Asked(None, f"the daemon is down: nothing answers at {path}", up=False)
    except (
        BlockingIOError,
        TimeoutError,
    ):  # the kernel holds some hundred for one that does not come to accept them
        return _Asked(
            None, f"the daemon does not answer: {path} holds all the questions that it can; it is frozen"
        )
    except OSError as error:
        return _Asked(
            None, f"the daemon cannot be asked at {path} ({error.strerror or error}): check control.endpoint"
        )
    return None


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
