"""`demo`: the simulated microscope through the whole daemon, live."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click

from monitor.cli.output import duration_text

DEFAULT_REAL_S = 75.0
POLL_S = 0.5
PLAIN_LINE_EVERY_S = 2.0
LATEST_FRAME = """
SELECT f.run_id, f.elapsed_s, f.count, f.state, f.fraction, f.t95_elapsed_s, f.backend, f.age_s, f.status
FROM frame_log f WHERE f.run_id = (SELECT MAX(run_id) FROM run_summary) AND f.run_id > {after}
ORDER BY f.elapsed_s DESC LIMIT 1"""
MEDIAN_RATE = """
SELECT growth_rate_um_per_s * 60 AS rate FROM trail_summary
WHERE run_id = {run_id} AND growth_rate_um_per_s IS NOT NULL AND ended_s IS NULL ORDER BY rate"""
NEWS = """
SELECT event_id, elapsed_s, kind, message FROM event_log WHERE run_id = {run_id} AND event_id > {after}
AND kind IN ('nucleation', 'state', 'complete', 'reopened', 'alert_raised', 'engine_failed', 'slow')
ORDER BY event_id"""


@click.command(epilog="Example: crystal-monitor demo --seed 3 --database sqlite:///demo.sqlite")
@click.option(
    "--database",
    default="sqlite:///crystal-monitor-demo.sqlite",
    show_default=True,
    metavar="URL",
    help="Where the trails go; a new run is opened.",
)
@click.option(
    "--duration-s",
    type=click.FloatRange(min=5),
    default=DEFAULT_REAL_S,
    show_default=True,
    help="Real seconds that the experiment of an hour is pressed into.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Which experiment; the same seed shows the same crystals.",
)
@click.option(
    "--preset",
    default="demo",
    show_default=True,
    help="Which kind of experiment: demo, needles, ripening, dissolving, dense …",
)
def demo(database: str, duration_s: float, seed: int, preset: str) -> None:
    """Watch a simulated crystallization through the whole daemon: camera process, network, trails, SQLite.

    Ends by itself, or with Ctrl-C, and prints what was recovered against what was true.
    """
    from monitor.clock import SystemClock
    from monitor.errors import UserError
    from monitor.service import stop_on_signals
    from monitor.service.simulated_run import Experiment, running
    from monitor.service.simulated_run import preset as named
    from monitor.simulation import PRESETS

    if preset not in PRESETS:
        raise UserError(f"there is no preset {preset!r}: choose one of {', '.join(sorted(PRESETS))}")
    experiment = Experiment(named(preset, seed), duration_s)
    stop = stop_on_signals()
    click.echo(
        f"Simulated microscope ({preset}, seed {seed}): {duration_text(experiment.simulation.duration_s)} of "
        f"crystallization in {duration_text(duration_s)}; times below are simulated. Ctrl-C ends it."
    )
    before = _latest_run(database)
    with running(experiment, database, SystemClock(), stop, name=f"demo, seed {seed}") as daemon:
        live = _Live(database, before)
        while daemon.is_alive() and not stop.is_set():
            live.show()
            daemon.join(POLL_S)
        live.show(last=True)
    if daemon.exit_code:
        click.echo(daemon.said or "the daemon failed and did not say why", err=True)
        sys.exit(daemon.exit_code)
    if live.run_id is None:
        click.echo("no frame was analysed before the end")
        return
    _print_recovery(experiment, database, live.run_id)


def _latest_run(database: str) -> int:
    from monitor.errors import StoreError
    from monitor.store import run_query

    path = Path(database.removeprefix("sqlite:///"))
    if database.startswith("sqlite:///") and not path.exists():
        return 0
    try:
        found = run_query(database, "SELECT MAX(run_id) AS run_id FROM run_summary").rows
    except StoreError:
        return 0  # the daemon makes it, or says what is wrong with it
    return int(str(found[0][0])) if found and found[0][0] is not None else 0


class _Live:
    """What a person sees while it runs: news as lines, and one line of figures that moves on a terminal."""

    def __init__(self, database: str, before: int) -> None:
        self._database = database
        self._before = before
        self._moving = sys.stdout.isatty()
        self._news_to = 0
        self._last_line = ""
        self._quiet_s = PLAIN_LINE_EVERY_S
        self.run_id: int | None = None

    def show(self, *, last: bool = False) -> None:
        row = self._one(LATEST_FRAME.format(after=self._before))
        if row is None:
            return
        self.run_id = int(str(row["run_id"]))
        for news in self._rows(NEWS.format(run_id=self.run_id, after=self._news_to)):
            self._news_to = int(str(news["event_id"]))
            self._clear()
            click.echo(
                f"  {duration_text(float(str(news['elapsed_s'])))}: {_first_sentence(str(news['message']))}"
            )
        rates = [float(str(rate["rate"])) for rate in self._rows(MEDIAN_RATE.format(run_id=self.run_id))]
        line = _line(row, rates)
        self._quiet_s += POLL_S
        if self._moving:
            self._clear()
            click.echo(line, nl=last)
        elif line != self._last_line and (self._quiet_s >= PLAIN_LINE_EVERY_S or last):
            click.echo(line)
            self._quiet_s = 0.0
        self._last_line = line

    def _clear(self) -> None:
        if self._moving:
            click.echo("\r\x1b[K", nl=False)

    def _rows(self, sql: str) -> list[dict[str, str | int | float | bytes | None]]:
        from monitor.errors import StoreError
        from monitor.store import run_query

        try:
            return list(run_query(self._database, sql).records())
        except StoreError:
            return []  # not made yet; the daemon's own end says what is wrong

    def _one(self, sql: str) -> dict[str, str | int | float | bytes | None] | None:
        rows = self._rows(sql)
        return rows[0] if rows else None


def _line(row: dict[str, str | int | float | bytes | None], rates: list[float]) -> str:
    parts = [duration_text(float(str(row["elapsed_s"]))), str(row["state"] or row["status"])]
    if row["count"] is not None:
        parts.append(f"{int(str(row['count']))} crystals")
    if row["fraction"] is not None:
        parts.append(f"{float(str(row['fraction'])):.1%} covered")
    if rates:
        parts.append(f"median {rates[len(rates) // 2]:.3g} µm/min")
    if row["t95_elapsed_s"] is not None:
        parts.append(f"t95 {duration_text(float(str(row['t95_elapsed_s'])))}")
    if row["age_s"] is not None:
        parts.append(f"frame age {float(str(row['age_s'])):.2f} s")
    if row["backend"] is not None:
        parts.append(str(row["backend"]))
    return " · ".join(parts)


def _first_sentence(message: str) -> str:
    return message.partition(";")[0].rstrip(".") + "."


def _print_recovery(experiment: object, database: str, run_id: int) -> None:
    from monitor.service.simulated_run import Experiment, judge
    from monitor.store import run_query

    assert isinstance(experiment, Experiment)
    found = judge(experiment, database, run_id)

    def percent(value: float) -> str:
        return "–" if math.isnan(value) else f"{value:+.1%}"

    def seconds(value: float) -> str:
        return duration_text(None if math.isnan(value) else value)

    rows = (
        ("", "recovered", "true"),
        ("crystals in the last frame", str(found.last_count), str(found.true_crystals)),
        (
            f"growth rate, {len(found.rate_errors)} fits",
            f"{percent(found.median_rate_error).lstrip('+')} off (median)",
            "",
        ),
        ("its 95 % intervals hold the truth", percent(found.rate_covered).lstrip("+"), "95 %"),
        ("area, crystals of 20 px and more", f"bias {percent(found.area_bias)}", ""),
        ("induction time", seconds(found.induction_s), seconds(found.true_induction_s)),
        ("complete", f"announced {seconds(found.completed_s)}", f"95 % at {seconds(found.true_t95_s)}"),
    )
    click.echo(f"\nRun {run_id} in {database}, recovered against the simulation's truth:")
    for label, recovered, true in rows:
        click.echo(f"  {label:<36}{recovered:<24}{true}".rstrip())
    (frames,) = run_query(
        database,
        f"SELECT frames_ok, frames_superseded FROM run_summary WHERE run_id = {run_id}",  # noqa: S608  # an int
    ).records()
    passed_over, analyzed = int(str(frames["frames_superseded"])), int(str(frames["frames_ok"]))
    if passed_over > analyzed:
        click.echo(
            f"\nThis machine was busy: {passed_over} frames were passed over for newer ones, {analyzed} analyzed. "
            "Where crystals were\nthere in the first of these there is no induction time; --duration-s 300 gives more."
        )
    click.echo(f"\nAsk it: crystal-monitor trails {run_id} --database {database}")
