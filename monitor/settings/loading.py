"""Settings from a TOML file, the environment and flags; a mistake becomes a message with its remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from monitor.errors import SettingsError
from monitor.settings.environment import read_environment
from monitor.settings.mistakes import explain
from monitor.settings.secrets import secrets_in
from monitor.settings.station import StationSettings
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
    environment = read_environment()
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
