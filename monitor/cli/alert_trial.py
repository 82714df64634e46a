"""`test-alert`: a marked test message through each sink, and what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from monitor.records import AlertNotice
    from monitor.settings.sinks import SinkSettings


@click.command("test-alert", epilog="Example: crystal-monitor test-alert station.toml --sink lab-chat")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--sink", "name", help="Only the sink of this name.")
def test_alert(config: Path, name: str | None) -> None:
    """Send a marked test message through each alert sink of the settings file CONFIG, and say what came of it.

    The daemon may run or not; nothing is written into its database. Each sink is waited for as long as its own time-out
    says (seconds). Exit code 1 when a sink did not take it, 2 when one cannot be used at all.
    """
    from monitor.errors import SettingsError, UserError
    from monitor.settings.loading import load_settings

    settings = load_settings(config)
    chosen = [sink for sink in settings.alerts.sinks if name is None or sink.name == name]
    if not chosen:
        known = ", ".join(sink.name for sink in settings.alerts.sinks) or "none"
        raise SettingsError(f"there is no alert sink {name or ''!r} in {config}; its sinks: {known}")
    notice = _notice(settings.name)
    unusable, failed = 0, 0
    for sink in chosen:
        try:
            why = _send(sink, settings.name, notice)
        except UserError as error:
            why = str(error)
            unusable += 1
        failed += why is not None
        click.echo(f"{sink.name} ({sink.kind}): {'taken' if why is None else f'NOT taken: {why}'}")
    sys.exit(2 if unusable else 1 if failed else 0)


def _send(sink: SinkSettings, station: str, notice: AlertNotice) -> str | None:
    """None where it was taken, else why not. Raises UserError for a sink that cannot be used."""
    from monitor.alerts.sinks import AlertSinkError, TrialSink, check_sink, open_sink

    check_sink(sink, station)
    opened = open_sink(sink, station)
    if isinstance(opened, TrialSink):
        opened.on_trial()
    try:
        opened.send(notice)
    except (AlertSinkError, OSError) as error:
        return str(error)
    finally:
        opened.close()
    return None


def _notice(station: str) -> AlertNotice:
    import secrets

    from monitor.clock import SystemClock
    from monitor.records import Alert, AlertKind, AlertNotice
    from monitor.records.vocabulary import Severity

    message = "TEST: this is a test of the alert sinks, nothing has happened"
    alert = Alert("test", AlertKind.DELIVERY, True, message, severity=Severity.INFO)
    key = f"{station}.test.{secrets.token_hex(8)}"
    return AlertNotice(0, 0, "", SystemClock().now(), alert, key=key, station=station, run_name="test")
