"""`status`: what the station does now, in a person's words."""

from __future__ import annotations

import shutil
import sys
import textwrap
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import json_option
from monitor.cli.output import duration_text, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.service.station_status import StationStatus, StoredStatus

EXIT_CODES = {"ok": 0, "trouble": 1, "down": 3}
WATCH_EVERY_S = 2.0
_LABEL = 13


@click.command(epilog="Example: crystal-monitor status /etc/crystal-monitor/plate-1.toml --watch")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--database", metavar="URL", help="The station's database, if the settings do not say.")
@click.option("--watch", is_flag=True, help=f"Show it again every {WATCH_EVERY_S:g} s, until Ctrl-C.")
@json_option
def status(config: Path | None, database: str | None, watch: bool, as_json: bool) -> None:
    """Say what the station does now: state, crystals, rate, forecast, losses, engine, disk, alerts.

    The daemon is asked where it is up, and its database in either case; the answer says by whom it is told. CONFIG is
    the station's settings file; without it the one station is meant that runs here.

    Exit code: 0 all is well, 1 there is trouble (the last lines say which), 2 a mistake in the command or the settings,
    3 the daemon is down.
    """
    from monitor.cli.meant_station import meant_station
    from monitor.service.lifetime import stop_on_signals
    from monitor.service.station_status import StationHere, station_status, the_station_here

    meant = meant_station(config, database)
    if config is None:
        here = the_station_here(meant.settings, named=meant.named, database_named=meant.database_named)
    else:
        here = StationHere(meant.settings)
    asked = here.asked
    stop = stop_on_signals() if watch else None
    while True:
        found = station_status(here.settings, asked, database_told=here.database_told)
        asked = None
        text = to_json(found.as_plain()) if as_json else "\n".join(map(_fitted, _lines(found)))
        if watch and sys.stdout.isatty():
            click.clear()
        click.echo(text)
        if stop is None or stop.wait(WATCH_EVERY_S):
            sys.exit(EXIT_CODES[found.verdict.value])


def _lines(found: StationStatus) -> Iterator[str]:
    from monitor.records.storage import bytes_text

    yield f"station {found.station}: {_headline(found)}"
    yield _line("told by", found.told_by)
    yield _line("database", found.database)
    if found.stored is not None:
        yield from _of_run(found.stored)
    if found.daemon is not None:
        yield from _of_daemon(found)
    if found.stored is not None and found.daemon is None:
        yield _line(
            "engine", f"{found.stored.run['backend'] or 'none ran'}, weights {found.stored.run['model']}"
        )
    if found.room is not None:
        room = found.room
        yield _line(
            "disk",
            f"{bytes_text(room.disk_free_bytes)} free; database {bytes_text(room.database_bytes)}, "
            f"write-ahead log {bytes_text(room.wal_bytes)}",
        )
    if found.stored is not None:
        yield from _of_alerts(found.stored)
        for row in found.stored.deliveries:
            yield _line(
                "deliveries", f"{row['waiting']} wait for {row['sink']}, tried {row['attempts']} times"
            )
    for trouble in found.troubles:
        yield _line("TROUBLE", trouble)


def _headline(found: StationStatus) -> str:
    state = str(found.stored.run["state"]) if found.stored is not None else "no run yet"
    if found.daemon is None:
        return f"{'down' if found.verdict.value == 'down' else 'silent'} (last: {state})"
    words = "" if found.verdict.value == "ok" else ", in trouble"
    return f"{state}{words}"


def _of_run(stored: StoredStatus) -> Iterator[str]:
    run = stored.run
    ended = f", ended {_moment(run['ended_at'])}" if run["ended_at"] else ""
    yield _line("run", f"{run['run_id']} ({run['name']}), begun {_moment(run['started_at'])}{ended}")
    for row in stored.fields:
        # What is missing for `complete` is for `explain`.
        why = str(row["explanation"] or "").partition(";")[0].rstrip(".")
        state = row["state"] or "not judged yet"
        yield _line("state", f"{row['field']}: {state}{f' ({why})' if why else ''}")
    if run["crystals_in_view"] is not None:
        coverage = "" if run["coverage"] is None else f", {float(run['coverage']):.1%} covered"
        rate = stored.median_rate_um_per_s
        growth = "" if rate is None else f", median {60 * rate:.3g} µm/min"
        yield _line(
            "crystals", f"{run['crystals_in_view']} in view{coverage}{growth}; {run['crystals']} in all"
        )
    if run["completed_elapsed_s"] is not None:
        yield _line("complete", f"at {duration_text(float(run['completed_elapsed_s']))}")
    elif run["t95_elapsed_s"] is not None:
        now_s = float(stored.last_frame["elapsed_s"]) if stored.last_frame is not None else 0.0
        t95_s = float(run["t95_elapsed_s"])
        when = f", in {duration_text(t95_s - now_s)}" if t95_s > now_s else ""
        low, high = (None if run[name] is None else float(run[name]) for name in ("t95_low_s", "t95_high_s"))
        yield _line(
            "t95", f"at {duration_text(t95_s)}{when} (95 %: {duration_text(low)} to {duration_text(high)})"
        )
    repeated = int(
        run.get("frames_repeated") or 0
    )  # a database that an earlier version writes has no such column
    newer = int(run["frames_superseded"]) - repeated
    lost = f"{run['frames_lost']} lost, {newer} passed over for a newer one"
    if repeated:
        lost += f", {repeated} that came again after a restart"
    yield _line(
        "frames",
        f"{run['frames_ok']} ok, {run['frames_failed']} failed, {run['frames_rejected']} rejected, {lost}",
    )
    if stored.last_frame is not None:
        last = stored.last_frame
        why = "" if last["reason"] is None else f" ({last['reason']}: {last['detail']})"
        yield _line(
            "last frame",
            f"{last['frame_index']} at {duration_text(float(last['elapsed_s']))}: {last['status']}{why}",
        )


def _of_daemon(found: StationStatus) -> Iterator[str]:
    daemon = found.daemon
    assert daemon is not None
    frame = "no frame yet"
    if daemon.since_frame_s is not None:
        age = "" if daemon.frame_age_s is None else f", {duration_text(daemon.frame_age_s)} old when it began"
        took = "" if daemon.frame_s is None else f", took {1000 * daemon.frame_s:.0f} ms"
        frame = f"last frame {duration_text(daemon.since_frame_s)} ago{age}{took}"
    yield _line(
        "daemon",
        f"up since {_moment(daemon.started_at)}, process {daemon.process}, version {daemon.version}; {frame}",
    )
    yield _line("engine", daemon.engine)
    camera = {True: "gives frames", False: "gives no frames", None: "not heard of"}[daemon.camera_running]
    yield _line("camera", camera)


def _of_alerts(stored: StoredStatus) -> Iterator[str]:
    if not stored.alerts_unacknowledged:
        yield _line("alerts", "none to acknowledge")
        return
    yield _line("alerts", f"{stored.alerts_unacknowledged} to acknowledge (crystal-monitor ack EVENT):")
    for alert in stored.alerts:
        yield _line("", f"{alert['event_id']}: {alert['rule']}: {alert['message']}")


def _fitted(line: str) -> str:
    """The line, broken under its own text where the terminal is narrower."""
    if not sys.stdout.isatty():
        return line
    width = max(shutil.get_terminal_size().columns, 3 * _LABEL)
    indent = " " * (_LABEL + 2)
    return textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False)


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}}{text}"


def _moment(iso: object) -> str:
    """A moment in this machine's zone, to the second."""
    return f"{datetime.fromisoformat(str(iso)).astimezone():%Y-%m-%d %H:%M:%S}"
