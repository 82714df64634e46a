"""Settings from a TOML file, the environment and flags; a mistake becomes a message with its remedy."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings.exceptions import SettingsError as PydanticSettingsError

from monitor.errors import SettingsError
from monitor.settings.mistakes import explain, suggestion, unreadable_variable
from monitor.settings.secrets import secrets_in
from monitor.settings.station import ENVIRONMENT_PREFIX, StationSettings
from monitor.settings.system_station import CONFIG_FOLDER, SECRETS_FOLDER, system_defaults

Tree = dict[str, Any]


def load_settings(path: Path | None, overrides: Mapping[str, Any] | None = None) -> StationSettings:
    """Settings of a station.

    Args:
        path: the TOML file; None takes the defaults. A file that is named and missing is an error. One in
            /etc/crystal-monitor has defaults of its own, see `system_defaults`, and its credentials beside it.
        overrides: nested values from the command line's flags; they win over file and environment.

    Raises:
        SettingsError: the file is missing or no TOML, a key is unknown, a value is out of range.
    """
    tree = _merged(system_defaults(path), _read(path)) if path is not None else {}
    _refuse_unknown_environment()
    try:
        environment = EnvSettingsSource(StationSettings)()
    except PydanticSettingsError as error:
        told = unreadable_variable() or f"environment variables {ENVIRONMENT_PREFIX}…: {error}"
        raise SettingsError(told) from None
    flags = overrides or {}
    given = _merged(_merged(tree, environment), flags)
    try:
        settings = StationSettings(**given)
    except ValidationError as error:
        raise SettingsError(explain(error, given, path, flags)) from None
    if path is not None and path.parent == CONFIG_FOLDER:
        for _, secret in secrets_in(settings):
            secret.keep_in(SECRETS_FOLDER)
    return settings


def _read(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"settings file {path} does not exist: check the path, or make it from a sample"
        ) from None
    except IsADirectoryError:
        raise SettingsError(f"settings file {path} is a folder: name the TOML file in it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path} cannot be read ({error}): check its permissions") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings file {path} is not valid TOML: {error}") from None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Tree:
    result = dict(base)
    for key, value in over.items():
        present = result.get(key)
        nested = isinstance(present, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(present, value) if nested else value  # type: ignore[arg-type]  # both are mappings here
    return result


def _refuse_unknown_environment() -> None:
    # pydantic-settings passes over a variable whose first part names no field: a misspelt one would be ignored.
    known = {name.upper() for name in StationSettings.model_fields}
    for variable in os.environ:
        single = variable.upper().removeprefix(ENVIRONMENT_PREFIX.removesuffix("_"))
        if single != variable.upper() and any(
            single == name or single.startswith(f"{name}_") for name in known
        ):
            raise SettingsError(
                f"environment variable {variable}: two underscores part the names of settings, as in "
                f"{ENVIRONMENT_PREFIX}ANALYSIS__INTERVAL_S"
            )
        if variable.upper().startswith(ENVIRONMENT_PREFIX):
            first = variable.upper().removeprefix(ENVIRONMENT_PREFIX).split("__")[0]
            if first not in known:
                near = suggestion(
                    first.lower(),
                    [name.lower() for name in known],
                    "`crystal-monitor check-config --schema` lists the keys",
                )
                raise SettingsError(
                    f"environment variable {variable}: there is no setting {first.lower()!r}{near}"
                )
