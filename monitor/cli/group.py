"""The group of commands; each command's module is imported only when it is called, so that `--help` is fast."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class _Entry:
    module: str
    attribute: str
    summary: str


_COMMANDS: dict[str, _Entry] = {
    "demo": _Entry("demo", "demo", "The simulated microscope through the whole daemon, live."),
    "run": _Entry("daemon", "run", "Grabber and analysis under one supervisor."),
    "grab": _Entry("daemon", "grab", "The camera-grabbing process alone."),
    "analyze": _Entry("daemon", "analyze", "The analysis process alone."),
    "status": _Entry("status", "status", "What the station does now."),
    "install": _Entry("install", "install", "A station as systemd services."),
    "upgrade": _Entry("install", "upgrade", "The installed services to this version."),
    "uninstall": _Entry("install", "uninstall", "The services away; the data stays."),
    "replay": _Entry("replay", "replay", "A folder of images or a video through the same code."),
    "segment": _Entry("segment", "segment", "Stills: labels, overlays and a table of crystals."),
    "runs": _Entry("reading", "runs", "The runs in the database."),
    "trails": _Entry("reading", "trails", "The crystals of a run."),
    "growth": _Entry("reading", "growth", "One crystal's growth over time."),
    "events": _Entry("reading", "events", "What happened in a run."),
    "deliveries": _Entry("deliveries", "deliveries", "What became of a run's alerts."),
    "explain": _Entry("explain", "explain", "Why a run is in its state, in words."),
    "query": _Entry("query", "query", "A question in SQL, read-only and bounded."),
    "export": _Entry("export", "export", "A run as CSV or Parquet files."),
    "backup": _Entry("backup", "backup", "Copy the database while the daemon writes it."),
    "restore": _Entry("backup", "restore_command", "Put a backup in the database's place."),
    "tidy": _Entry("tidy", "tidy", "Thin or remove old runs, and give the room back."),
    "new-run": _Entry("control", "new_run", "Close the open run and open the next."),
    "zero": _Entry("control", "zero", "Set the run's time zero to now."),
    "note": _Entry("control", "note", "Write a note into the run."),
    "ack": _Entry("control", "ack", "Acknowledge an alert."),
    "mute": _Entry("control", "mute", "Silence alerts for a while."),
    "test-alert": _Entry("alert_trial", "test_alert", "A test message through each alert sink."),
    "model": _Entry("model", "model", "The weights: list, verify, build engines."),
    "bench": _Entry("bench", "bench", "How long each stage of a frame takes here."),
    "acceptance": _Entry("acceptance", "acceptance", "The simulated microscope against its limits."),
    "audit": _Entry("audit", "audit", "Who did what and why: show, verify, export."),
    "keys": _Entry("keys", "keys", "A pair of keys for frames over TCP."),
    "doctor": _Entry("doctor", "doctor", "What is wrong, and how to mend it."),
    "check-database": _Entry(
        "check_database", "check_database", "Whether a database is whole; a damaged one set aside."
    ),
    "check-config": _Entry("check_config", "check_config", "What is wrong with a settings file."),
}


class CommandGroup(click.Group):
    """A group that knows its commands by name and summary and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of a user's work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None for an unknown name."""
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(f"monitor.cli.{entry.module}"), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the summaries alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in _COMMANDS.items()])
