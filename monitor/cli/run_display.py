"""What `run` shows: a line every so often while a person looks on, and the run's summary at the end."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

import click

from monitor.cli.output import duration_text

if TYPE_CHECKING:
    from monitor.analysis import DaemonStatus
    from monitor.service.station_status import StationStatus
    from monitor.settings.station import StationSettings

LOOK_EVERY_S = 2.0
SHOW_EVERY_S = 10.0


class RunDisplay:
    """Asks the station how it stands, in a thread of its own. A context manager around the supervisor's work."""

    def __init__(self, settings: StationSettings, *, show: bool | None = None) -> None:
        """`show` the line: None does where standard error is a terminal."""
        self._settings = settings
        self._show = sys.stderr.isatty() if show is None else show
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="display", daemon=True)
        self._run_id: int | None = None

    def __enter__(self) -> RunDisplay:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join(LOOK_EVERY_S)

    def print_summary(self) -> None:
        """The summary of the run that was last seen; nothing where there was none."""
        from monitor.cli.summary import print_summary
        from monitor.errors import CrystalMonitorError

        if self._run_id is None:
            return
        try:
            print_summary(self._settings.storage.database, self._run_id, as_json=False)
        except CrystalMonitorError as unreadable:
            click.echo(f"the run's summary cannot be read: {unreadable}", err=True)

    def _look(self) -> None:
        from monitor.analysis import AskStatus, DaemonStatus, ask_daemon
        from monitor.errors import CrystalMonitorError
        from monitor.service.station_status import station_status

        since_shown_s = SHOW_EVERY_S - LOOK_EVERY_S
        while not self._ended.wait(LOOK_EVERY_S):
            since_shown_s += LOOK_EVERY_S
            try:
                answer = ask_daemon(
                    self._settings.control_endpoint, AskStatus(station=self._settings.name), LOOK_EVERY_S
                )
                if answer is None:
                    continue
                told = DaemonStatus.model_validate_json(answer)
                self._run_id = told.run_id if told.run_id is not None else self._run_id
                # A start is given its time before it is told that nothing has come yet.
                due_s = SHOW_EVERY_S if told.frames else 2 * SHOW_EVERY_S
                if self._show and since_shown_s >= due_s:
                    click.echo(status_line(station_status(self._settings)), err=True)
                    since_shown_s = 0.0
            except CrystalMonitorError:
                continue  # it starts, or stops: the next look tells


def status_line(status: StationStatus) -> str:
    """One line: `12 min 30 s · growing · 23 crystals · 12.1% covered · 1.7 µm/min · openvino bf16`."""
    stored, daemon = status.stored, status.daemon
    if stored is None or stored.last_frame is None:
        return "; ".join(status.troubles) or "no frame yet"
    run, last = stored.run, stored.last_frame
    parts = [duration_text(float(last["elapsed_s"])), str(last["state"] or last["status"])]
    if last["status"] != "ok":
        parts.append(f"last frame {last['status']} ({last['reason']})")
    if run["crystals_in_view"] is not None:
        parts.append(f"{run['crystals_in_view']} crystal{'' if run['crystals_in_view'] == 1 else 's'}")
    if run["coverage"] is not None:
        parts.append(f"{float(run['coverage']):.1%} covered")
    if stored.median_rate_um_per_s is not None:
        parts.append(f"median {60 * stored.median_rate_um_per_s:.3g} µm/min")
    if run["t95_elapsed_s"] is not None and run["completed_elapsed_s"] is None:
        parts.append(f"t95 {duration_text(float(run['t95_elapsed_s']))}")
    if daemon is not None:
        parts.append(_last_frame(daemon))
        parts.append(daemon.backend)
    return " · ".join([*parts, *status.troubles])


def _last_frame(daemon: DaemonStatus) -> str:
    """How fresh what is shown is: while frames come, how old the last one was when its analysis began."""
    if daemon.since_frame_s is None:
        return "no frame since the start"
    if daemon.since_frame_s >= LOOK_EVERY_S or daemon.frame_age_s is None:
        return f"last frame {duration_text(daemon.since_frame_s)} ago"
    return f"frame age {daemon.frame_age_s:.2f} s"
