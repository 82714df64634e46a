"""`check-config`: what is wrong with a settings file, and what it says when nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("check-config", epilog="Example: crystal-monitor check-config deploy/config/simulated.toml")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON schema of all settings, with their units.")
@click.option(
    "--show", is_flag=True, help="Print every setting as it is in force: file, environment, defaults."
)
@click.option(
    "--settings-only",
    is_flag=True,
    help="Check the settings alone, not the folders, files and engine that they name: for another machine or user.",
)
def check_config(config: Path | None, schema: bool, show: bool, settings_only: bool) -> None:
    """Check the settings file CONFIG; exit code 2 with the remedy if something is wrong.

    The folders and files that it names must be there, this user must be allowed to use them, and the engine that it
    names must be able to run here.
    """
    from monitor.errors import SettingsError
    from monitor.service.start_check import wrong_at_start, wrong_experiment
    from monitor.settings.loading import load_settings
    from monitor.settings.redaction import settings_snapshot, without_passwords
    from monitor.settings.station import StationSettings

    if schema:
        click.echo(
            json.dumps(StationSettings.model_json_schema(), indent=2, ensure_ascii=False, sort_keys=True)
        )
        return
    settings = load_settings(config)
    if show:
        click.echo(json.dumps(json.loads(settings_snapshot(settings)), indent=2, ensure_ascii=False))
        return
    wrong = wrong_experiment(settings) if settings_only else wrong_at_start(settings)
    if wrong:
        raise SettingsError(
            "\n  ".join([f"{len(wrong)} of the things that it names cannot be used:", *wrong])
        )
    database = without_passwords(settings.storage.database)
    click.echo(
        f"station {settings.name}: camera {settings.camera.kind}, stream {settings.stream.policy}, "
        f"back end {settings.analysis.backend}, database {database}; nothing is wrong"
    )
