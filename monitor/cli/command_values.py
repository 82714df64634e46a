"""What the operator gives a command: read and refused in their words, with unit and remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from monitor.settings.waits import LONGEST_MUTE_S

if TYPE_CHECKING:
    _Value = click.ParamType[Any]
else:
    _Value = click.ParamType

_TOO_LONG = 19
"""Digits that no number of an event has."""
_UNITS_S = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_WITH_UNIT = re.compile(r"([0-9]+(?:[.][0-9]+)?) ?(s|m|min|h|d)")


class MuteSeconds(_Value):
    """Seconds that alerts are silent, 0 to a week."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See `click.ParamType`."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= LONGEST_MUTE_S:
            self.fail(self._remedy(str(value)), param, ctx)
        return seconds

    def _remedy(self, given: str) -> str:
        with_unit = _WITH_UNIT.fullmatch(given)
        meant_s = float(with_unit[1]) * _UNITS_S[with_unit[2]] if with_unit is not None else math.inf
        example = (
            f"{given} is `mute {meant_s:.10g}`" if meant_s <= LONGEST_MUTE_S else "an hour is `mute 3600`"
        )
        return (
            f"{given!r:.80} is not a number of seconds from 0 to {LONGEST_MUTE_S} (7 days): {example}, "
            "`mute 0` ends the silence"
        )


class EventNumber(_Value):
    """The number of an event."""

    name = "event"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See `click.ParamType`."""
        text = str(value)
        if not (text.isascii() and text.isdecimal() and len(text) < _TOO_LONG and int(text) > 0):
            self.fail(
                f"{text!r:.80} is not the number of an event, such as 12: `crystal-monitor status` shows those of "
                "alerts that wait, `crystal-monitor events` all of them (column event_id)",
                param,
                ctx,
            )
        return int(text)


_TEXTS = {
    "text": ("note", 'say what was done, as in `note "added 10 µl of precipitant"`'),
    "name": ("name of the run", 'say what is grown, as in `new-run "lysozyme, plate 7"`'),
    "reason": ("reason", 'say why, as in `--reason "the lamp was changed"`'),
}


def wrong_text(error: Mapping[str, Any]) -> str:
    """What is wrong with a text that a command was given, from pydantic's word for it."""
    entry = str(error["loc"][-1])
    what, remedy = _TEXTS.get(entry, (entry, "say it otherwise"))
    match error["type"]:
        case "string_too_short":
            return f"the {what} is empty: {remedy}"
        case "string_too_long":
            length, most = len(error["input"]), error["ctx"]["max_length"]
            return f"the {what} is {length} characters long, at most {most} are kept: shorten it"
        case _:
            return f"the {what} {error['input']!r:.80} is not accepted ({error['msg']}): {remedy}"
