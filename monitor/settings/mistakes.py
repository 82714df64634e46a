"""Mistakes in settings, in the words of who wrote them: section and key as in the file, or the environment variable."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.settings.redaction import without_passwords
from monitor.settings.secrets import INLINE_SECRET
from monitor.settings.sinks import NAME, TOPIC
from monitor.settings.station import ENVIRONMENT_PREFIX, NESTING, StationSettings
from monitor.settings.stream import PUBLIC_KEY

Key = str | int
_SCHEMA = "`crystal-monitor check-config --schema` lists"
_LONGEST_VALUE = 80
_PATTERNS = {
    NAME: "it must be a name of letters, digits, _ . and -, with a letter or digit first",
    PUBLIC_KEY: "it must be a public CURVE key, 40 printable characters: what stands in the file NAME.pub that "
    "`crystal-monitor keys NAME --out FOLDER` makes",
    TOPIC: "it must be a topic without + and #, which are wildcards",
}
"""What a pattern asks for, in words."""
_TYPES = {
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
}
"""What the library says twice over, or in words of its own."""


def explain(
    error: ValidationError, given: Mapping[str, Any], file: Path | None, flags: Mapping[str, Any]
) -> str:
    """All that is wrong, a line each.

    Args:
        error: of `StationSettings(**given)`.
        given: file, environment and flags, merged.
        file: the settings file.
        flags: what the command line said of it; it wins over environment and file.
    """
    told: dict[str, list[str]] = {}
    found = [(item, _keys(item, given)) for item in error.errors(include_url=False)]
    secrets = [keys for item, keys in found if item["type"] == INLINE_SECRET]
    for item, keys in found:
        if keys in secrets and item["type"] != INLINE_SECRET:
            continue  # it would show the secret
        variable, length = (None, 0) if _reaches(flags, keys) else _variable(keys)
        origin = f"settings file {file}" if file is not None else "settings"
        where = _place(keys, given, is_value=item["type"] == INLINE_SECRET)
        if variable is not None:
            origin = f"environment variable {variable}"
            where = where if len(keys) > length else ""
        # Whatever of it is shown, a name, a kind or a key: an address with a password may have come there by mistake.
        line = without_passwords(f"{where}: {_what(item, keys)}" if where else _what(item, keys))
        if line not in told.setdefault(origin, []):
            told[origin].append(line)
    return "\n".join(f"{origin}: " + "\n  ".join(lines) for origin, lines in told.items())


def unreadable_variable() -> str | None:
    """What is wrong with the environment variable that holds broken JSON; None where none does."""
    for variable, value in os.environ.items():
        if variable.upper().startswith(ENVIRONMENT_PREFIX) and value.lstrip()[:1] in ("[", "{"):
            try:
                json.loads(value)
            except ValueError as error:
                return f"environment variable {variable}: its value is no JSON ({error}): correct it, or use the file"
    return None


def suggestion(word: str, known: Sequence[str], otherwise: str) -> str:
    """`; did you mean 'WORD'?`, where a known word is near, else `otherwise`."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; {otherwise}"


def _what(item: ErrorDetails, keys: Sequence[Key]) -> str:
    kind, message = item["type"], item["msg"]
    variable = ENVIRONMENT_PREFIX + NESTING.join(str(key) for key in keys).upper()
    match kind:
        case "extra_forbidden":
            told = f"unknown key{_nearest_key(str(keys[-1]), item['loc'][:-1])}"
        case "union_tag_not_found":
            told = f'it has no kind; add kind = "…" ({_SCHEMA} the kinds)'
        case "union_tag_invalid":
            told = f'there is no kind = "{item["ctx"]["tag"]}": choose one of {item["ctx"]["expected_tags"]}'
        case "missing":
            told = (
                f"it is missing: add it, or set the environment variable {variable} ({_SCHEMA} what it means)"
            )
        case "model_type" | "model_attributes_type" | "dict_type":
            told = f"it must be a section, or an inline table (given: {_kind_of(item['input'])})"
        case "tuple_type" | "list_type":
            told = f"it must be a list (given: {_kind_of(item['input'])})"
        case _:
            told = _TYPES.get(kind) or message.removeprefix("Value error, ")
            if kind == "string_pattern_mismatch":
                told = _PATTERNS.get(item["ctx"]["pattern"], told)
            told = told.replace("Input should", "it must").replace("String should", "it must")
            names_its_keys = kind == "value_error" and isinstance(item["input"], Mapping | BaseModel)
            if kind != INLINE_SECRET and not names_its_keys:
                told = f"{told} (given: {_shown(item['input'])})"
    return told


def _kind_of(value: object) -> str:
    """What it is, instead of the value: where a section belongs it may be the secret that should stand in one."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case Mapping() | BaseModel():
            return "a section, or an inline table"
        case _:
            return "something else"


def _shown(value: object) -> str:
    if isinstance(value, Mapping | BaseModel):
        return _kind_of(value)
    return f"{without_passwords(repr(value)):.{_LONGEST_VALUE}}"


def _keys(item: ErrorDetails, given: Mapping[str, Any]) -> list[Key]:
    """The way to the value through what was given; the library puts names of its own models between."""
    keys: list[Key] = []
    here: Any = given
    parts = list(item["loc"])
    while parts:
        part = parts.pop(0)
        if _is_table(here) and isinstance(part, str):
            if parts and "kind" in here and _names_a_kind(part, here):
                continue  # which kind of table it is, said once before its own keys
            if part in here or (item["type"] == "missing" and not parts):
                keys.append(part)
                here = here.get(part)
        elif isinstance(here, list | tuple) and isinstance(part, int):
            keys.append(part)
            here = here[part]
    return keys


def _names_a_kind(part: str, table: Mapping[str, Any]) -> bool:
    return part == table["kind"] or part not in table


def _is_table(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _place(keys: Sequence[Key], given: Mapping[str, Any], *, is_value: bool) -> str:
    """`[analysis] interval_s`; in an array of tables `[[alerts.sinks]] "lab-chat", [alerts.sinks.options] url`.

    `is_value`: it is no section, whatever was given.
    """
    entry = ""
    tables: list[str] = []
    here: Any = given
    for place, key in enumerate(keys):
        here = _at(here, key)
        if isinstance(key, str):
            tables.append(key)
        elif _is_table(here):
            name = here.get("name")
            entry = f"[[{'.'.join(tables)}]] " + (
                f'"{name}"' if isinstance(name, str) else f"number {key + 1}"
            )
            if place == len(keys) - 1:
                return entry
    number = f", number {keys[-1] + 1}" if keys and isinstance(keys[-1], int) else ""
    if not tables:
        return ""
    if _is_table(here) and not is_value:
        section = f"[{'.'.join(tables)}]"
    elif entry and f"[[{'.'.join(tables[:-1])}]]" == entry.split(" ")[0]:
        section = tables[-1]
    else:
        section = f"[{'.'.join(tables[:-1])}] {tables[-1]}" if tables[:-1] else tables[-1]
    return f"{entry}{', ' if entry else ''}{section}{number}"


def _reaches(tree: Mapping[str, Any], keys: Sequence[Key]) -> bool:
    here: Any = tree
    for key in keys:
        if not (_is_table(here) and key in here):
            return False
        here = _at(here, key)
    return bool(keys)


def _at(here: Any, key: Key) -> Any:
    if _is_table(here):
        return here.get(str(key))
    return here[key] if isinstance(here, list | tuple) and isinstance(key, int) else None


def _variable(keys: Sequence[Key]) -> tuple[str | None, int]:
    """The environment variable that set the value, or a table that it is in, and how many of the keys it names."""
    known = {variable.upper(): variable for variable in os.environ}
    for length in range(len(keys), 0, -1):
        name = ENVIRONMENT_PREFIX + NESTING.join(str(key) for key in keys[:length]).upper()
        if name in known:
            return known[name], length
    return None, 0


def _nearest_key(word: str, section: Sequence[Key]) -> str:
    """The key that was meant: one of that section, where one is near, else of any."""
    schema = StationSettings.model_json_schema()
    beside = difflib.get_close_matches(word, _keys_of(schema, section), n=1)
    return suggestion(word, beside or _all_keys(schema), f"{_SCHEMA} the keys")


def _keys_of(schema: Mapping[str, Any], section: Sequence[Key]) -> list[str]:
    """The keys of the section to which the library's way leads, kinds of tables among its words; none if not known."""
    here: Mapping[str, Any] = schema
    for part in section:
        here = _resolved(schema, here)
        kinds = here.get("discriminator", {}).get("mapping")
        if kinds is not None:
            here = {"$ref": kinds.get(part, "")}
        elif isinstance(part, int):
            here = here.get("items", {})
        else:
            here = here.get("properties", {}).get(part, {})
    return sorted(_resolved(schema, here).get("properties", {}))


def _resolved(schema: Mapping[str, Any], here: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said there or where it refers to; of several choices (a section, or null) the first that refers."""
    here = next((choice for choice in here.get("anyOf", ()) if "$ref" in choice), here)
    if "$ref" not in here:
        return here
    found: Mapping[str, Any] = schema["$defs"].get(here["$ref"].rpartition("/")[2], {})
    return found


def _all_keys(schema: Mapping[str, Any]) -> list[str]:
    keys = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        keys |= set(definition.get("properties", {}))
    return sorted(keys)
