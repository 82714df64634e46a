"""What the environment says of the settings: `CRYSTAL_MONITOR__SECTION__KEY`, and what is meant as one and is none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_settings import EnvSettingsSource
from pydantic_settings.exceptions import SettingsError as PydanticSettingsError

from monitor.errors import SettingsError
from monitor.settings.mistakes import suggestion, unreadable_variable
from monitor.settings.station import ENVIRONMENT_PREFIX, NESTING, StationSettings

_SINGLE_PREFIX = ENVIRONMENT_PREFIX.removesuffix("_")
_LISTED = "`crystal-monitor check-config --schema` lists the keys"


def read_environment() -> dict[str, Any]:
    """The settings that the environment makes, nested as in the file; their values are not validated.

    Raises SettingsError for a variable that names no setting, which would be passed over without a word, and for one
    that cannot be read.
    """
    for variable in os.environ:
        if variable.upper().startswith(ENVIRONMENT_PREFIX):
            _refuse_unknown(variable)
        elif variable.upper().startswith(_SINGLE_PREFIX):
            _refuse_single_underscores(variable)
    try:
        return EnvSettingsSource(StationSettings)()
    except PydanticSettingsError as error:
        told = unreadable_variable() or f"environment variables {ENVIRONMENT_PREFIX}…: {error}"
        raise SettingsError(told) from None


def _refuse_unknown(variable: str) -> None:
    keys = _fields([StationSettings])
    for word in variable.upper().removeprefix(ENVIRONMENT_PREFIX).lower().split(NESTING):
        if not keys:
            return  # below a value, or in a list: what that is told, its own validation tells
        if word not in keys:
            near = suggestion(word, list(keys), _LISTED)
            raise SettingsError(f"environment variable {variable}: there is no setting {word!r}{near}")
        keys = _fields(keys[word])


def _refuse_single_underscores(variable: str) -> None:
    """Only where all of it names a setting: Kubernetes makes CRYSTAL_MONITOR_SERVICE_HOST of a service's name."""
    words = variable.upper().removeprefix(_SINGLE_PREFIX).lower().replace(NESTING, "_")
    if _names_a_setting(words, [StationSettings]):
        raise SettingsError(
            f"environment variable {variable}: two underscores part the names of settings, as in "
            f"{ENVIRONMENT_PREFIX}ANALYSIS__INTERVAL_S"
        )


def _names_a_setting(words: str, models: list[type[BaseModel]]) -> bool:
    return any(
        words == name or (words.startswith(f"{name}_") and _names_a_setting(words[len(name) + 1 :], below))
        for name, below in _fields(models).items()
    )


def _fields(models: list[type[BaseModel]]) -> Mapping[str, list[type[BaseModel]]]:
    """Each key that one of the models has, and the models of its own keys; none for a value or a list."""
    found: dict[str, list[type[BaseModel]]] = {}
    for model in models:
        for name, field in model.model_fields.items():
            found.setdefault(name, []).extend(_models(field.annotation))
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType):
        return [model for one in get_args(annotation) for model in _models(one)]
    return []
