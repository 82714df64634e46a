"""`TrailReader`: the views, for the command line and the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import TracebackType

from monitor.clock import Instant
from monitor.errors import UnknownRunError
from monitor.store.location import locate
from monitor.store.muting import LATEST_MUTING, read_muting
from monitor.store.reading_connection import LONG_READ_S, Bound, Parameter, connect_for_reading
from monitor.store.row_stream import RowStream
from monitor.store.table import Table
from monitor.store.views import VIEWS

LAST_RUN = "last"

_ORDER = {
    "run_summary": "run_id",
    "frame_log": "field, elapsed_s",
    "growth_history": "field, crystal_id, elapsed_s",
    "trail_summary": "field, crystal_id",
    "csd": "field, elapsed_s, weighting, border_rule",
    "event_log": "event_id",
    "session_log": "first_seen_at",
    "tidying_log": "tidying_id",
    "delivery_log": "delivery_id",
    "audit_log": "seq",
}


_SINCE = {"trail_summary": "first_seen_s"}

# Of n rates in order the middle one, or the mean of the two in the middle: 2 place = n + 1, or n and n + 2.
_MEDIAN_RATE = """
SELECT AVG(rate) FROM (
  SELECT t.rate_um_per_s AS rate, ROW_NUMBER() OVER (ORDER BY t.rate_um_per_s) AS place, COUNT(*) OVER () AS n
  FROM field f JOIN trail t ON t.field_id = f.field_id
  WHERE f.run_id = {run_id} AND t.confirmed AND t.ended_s IS NULL AND t.rate_um_per_s IS NOT NULL) AS ranked
WHERE 2 * place BETWEEN n AND n + 2"""


class TrailReader:
    """Reads a store beside its writer. A context manager; use from one thread at a time."""

    def __init__(self, database: str) -> None:
        """Open for reading; raises `StoreUnusableError`."""
        self._connection = connect_for_reading(locate(database))

    def find_run(self, wanted: str, station: str | None = None) -> int:
        """The run that a user means: a number, a name (its newest run), or `last`; of one station, where it is named.

        Raises `UnknownRunError`.
        """
        of_station, parameters = self._of_station(station)
        if wanted == LAST_RUN:
            condition = ""
        elif wanted.isdecimal():
            condition = f"AND r.run_id = {int(wanted)} "
        else:
            condition = f"AND r.name = {self._connection.parameter('wanted')} "
            parameters["wanted"] = wanted
        sql = f"SELECT MAX(r.run_id) FROM run r WHERE 1 = 1 {condition}{of_station}"  # noqa: S608  # names of ours, values as parameters
        run_id = self._connection.ask(sql, parameters).rows[0][0]
        if not isinstance(run_id, int):
            where = "" if station is None else f" of station {station!r}"
            raise UnknownRunError(
                f"there is no run {wanted!r}{where}: `crystal-monitor runs` lists them; a run is named by number, "
                f"name or {LAST_RUN!r}"
            )
        return run_id

    def stations(self) -> tuple[str, ...]:
        """The stations that have runs here, by name."""
        found = self._connection.ask("SELECT DISTINCT station FROM run ORDER BY station")
        return tuple(str(name) for (name,) in found.rows)

    def _of_station(self, station: str | None) -> tuple[str, dict[str, Parameter]]:
        """A condition on `run r`, and its parameter."""
        if station is None:
            return "", {}
        return f"AND r.station = {self._connection.parameter('station')} ", {"station": station}

    def view(self, name: str, run_id: int | None = None, bound: Bound = Bound(), **equal: str | int) -> Table:  # noqa: B008  # frozen
        """Rows of a view, of one run, in the order that reads best; `equal` narrows: `field="main"`,
        `crystal_id=3`.

        Raises `QueryError` beyond the bound; `KeyError` for a name that is no view.
        """
        where, wanted = self._narrowed(name, run_id, None, equal)
        sql = f"SELECT * FROM {name} {where}ORDER BY {_ORDER[name]}"  # noqa: S608  # names of ours, values as parameters
        return self._connection.ask(sql, wanted, bound)

    def stream(
        self,
        name: str,
        run_id: int | None,
        since_s: float | None = None,
        *,
        newest: int | None = None,
        **equal: str | int,
    ) -> RowStream:
        """The same batch by batch, however long: from elapsed time `since_s` on, the `newest` rows alone if asked.

        `run_id` None gives the rows of all runs.

        For `trail_summary` `since_s` is the first sight. Use it up, or drop it, before the next question.
        """
        where, wanted = self._narrowed(name, run_id, since_s, equal)
        sql = f"SELECT * FROM {name} {where}"  # noqa: S608  # see view
        if newest is not None:
            latest = ", ".join(f"{column} DESC" for column in _ORDER[name].split(", "))
            sql = f"SELECT * FROM ({sql}ORDER BY {latest} LIMIT {int(newest)}) AS newest "  # noqa: S608  # see view
        return self._connection.stream(f"{sql}ORDER BY {_ORDER[name]}", wanted, LONG_READ_S)

    def count(self, name: str, run_id: int, since_s: float | None = None, **equal: str | int) -> int:
        """How many rows `stream` would give."""
        where, wanted = self._narrowed(name, run_id, since_s, equal)
        found = self._connection.ask(f"SELECT COUNT(*) FROM {name} {where}", wanted, Bound(1, LONG_READ_S))  # noqa: S608  # see view
        return int(str(found.rows[0][0]))

    def _narrowed(
        self, name: str, run_id: int | None, since_s: float | None, equal: Mapping[str, str | int]
    ) -> tuple[str, dict[str, Parameter]]:
        VIEWS[name]
        wanted: dict[str, Parameter] = dict(equal)
        if run_id is not None:
            wanted["run_id"] = run_id
        conditions = [f"{column} = {self._connection.parameter(column)}" for column in wanted]
        if since_s is not None:
            conditions.append(f"{_SINCE.get(name, 'elapsed_s')} >= {self._connection.parameter('since_s')}")
            wanted["since_s"] = since_s
        return (f"WHERE {' AND '.join(conditions)} " if conditions else ""), wanted

    def events_after(
        self, event_id: int, run_ids: Collection[int], most: int
    ) -> list[tuple[int, str, str | None]]:
        """Number, kind and alert's kind of those runs' events whose row comes after `event_id`, in order."""
        runs = ", ".join(str(int(run_id)) for run_id in run_ids) or "NULL"
        # The plus keeps the index by run out of it: of all events, those that are new are few.
        wanted = f"event_id > {int(event_id)} AND +run_id IN ({runs}) ORDER BY event_id LIMIT {int(most)}"
        found = self._connection.ask(f"SELECT event_id, kind, alert_kind FROM event WHERE {wanted}")  # noqa: S608  # numbers
        return [
            (int(str(number)), str(kind), None if alert is None else str(alert))
            for number, kind, alert in found.rows
        ]

    def unacknowledged_alerts(self, run_id: int) -> int:
        """Raised alerts of the run that nobody acknowledged."""
        wanted = f"run_id = {int(run_id)} AND kind = 'alert_raised' AND acknowledged_at IS NULL"
        return int(str(self._connection.ask(f"SELECT COUNT(*) FROM event WHERE {wanted}").rows[0][0]))  # noqa: S608  # a number

    def newest_alerts(self, run_id: int, most: int) -> Table:
        """event_id, at, field, rule, message of the newest of them, newest first."""
        wanted = f"run_id = {int(run_id)} AND kind = 'alert_raised' AND acknowledged_at IS NULL"
        columns = "event_id, at, field, rule, message"
        sql = f"SELECT {columns} FROM event WHERE {wanted} ORDER BY event_id DESC LIMIT {int(most)}"  # noqa: S608  # numbers
        return self._connection.ask(sql)

    def median_growth_rate(self, run_id: int) -> float | None:
        """Median over the run's confirmed trails that live and have a rate, µm/s; None where there is none."""
        found = self._connection.ask(_MEDIAN_RATE.format(run_id=int(run_id))).rows[0][0]
        return None if found is None else float(str(found))

    def newest_delivery(self) -> int:
        """The newest row of the outbox; 0 where it was never used."""
        return int(str(self._connection.ask("SELECT COALESCE(MAX(delivery_id), 0) FROM delivery").rows[0][0]))

    def deliveries_waiting(self, station: str) -> list[tuple[int, str, str, int]]:
        """Number, sink, state and attempts of the station's deliveries that wait."""
        wanted = f"station = {self._connection.parameter('station')} AND state = 'pending'"
        return self._deliveries(wanted, {"station": station})

    def deliveries_after(self, station: str, number: int, most: int) -> list[tuple[int, str, str, int]]:
        """The same of those that came after that one, in order, waiting or not."""
        # The empty text keeps the station's index out of it: of all deliveries, those that are new are few.
        wanted = f"delivery_id > {int(number)} AND station || '' = {self._connection.parameter('station')}"
        return self._deliveries(f"{wanted} ORDER BY delivery_id LIMIT {int(most)}", {"station": station})

    def deliveries_of(self, numbers: Collection[int]) -> list[tuple[int, str, str, int]]:
        """The same of those with these numbers."""
        return self._deliveries(f"delivery_id IN ({', '.join(str(int(number)) for number in numbers)})", {})

    def _deliveries(
        self, wanted: str, parameters: Mapping[str, Parameter]
    ) -> list[tuple[int, str, str, int]]:
        sql = f"SELECT delivery_id, sink, state, attempts FROM delivery WHERE {wanted}"  # noqa: S608  # of ours
        return [
            (int(str(number)), str(sink), str(state), int(str(attempts)))
            for number, sink, state, attempts in self._connection.ask(sql, parameters).rows
        ]

    def field_explanations(self, run_id: int) -> Table:
        """Per field: field, state, explanation, decided_by (JSON) as of the last frame that had a state."""
        sql = "SELECT name AS field, state, explanation, decided_by FROM field WHERE run_id = "
        return self._connection.ask(sql + str(int(run_id)) + " ORDER BY name")

    def field_names(self, run_id: int) -> tuple[str, ...]:
        """The fields that the run has seen, in order of name."""
        found = self._connection.ask(f"SELECT name FROM field WHERE run_id = {int(run_id)} ORDER BY name")  # noqa: S608  # a number
        return tuple(str(name) for (name,) in found.rows)

    def muted_until(self, station: str | None = None) -> Instant | None:
        """Until when the operator wants no alerts of the station (None: of any), past or to come; None where nothing
        was ever muted."""
        of_station, wanted = self._of_station(station)
        found = self._connection.ask(LATEST_MUTING.format(of_station=of_station), wanted).rows
        return read_muting(str(found[0][0])) if found else None

    def provenance(self, run_id: int) -> Table:
        """The run's version, model, weights_sha256, model_card, backend, settings (JSON), camera,
        um_per_px."""
        columns = "version, model, weights_sha256, model_card, backend, settings, camera, um_per_px"
        return self._connection.ask(f"SELECT {columns} FROM run WHERE run_id = {int(run_id)}")  # noqa: S608  # a number

    def close(self) -> None:
        """Release the database."""
        self._connection.close()

    def __enter__(self) -> TrailReader:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
