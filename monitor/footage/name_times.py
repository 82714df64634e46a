"""The time of capture in a file's name."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from monitor.settings.camera import NamePattern

_UNITS_S = {"hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
_LOOSE_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T_ ](\d\d)[-:](\d\d)[-:](\d\d)(?:[.,](\d{1,6})\d*)?")
_COMPACT_STAMP = re.compile(r"(\d{8})[_T-]?(\d{6})")


class NameTimes:
    """Reads times from names by the patterns of the settings."""

    def __init__(self, patterns: tuple[NamePattern, ...], zone: tzinfo) -> None:
        """`zone`: of dates that state none."""
        self._patterns = [(re.compile(entry.pattern), entry.format) for entry in patterns]
        self._zone = zone

    def read(self, name: str) -> float | datetime | None:
        """Seconds, or an aware moment, or None where no pattern fits."""
        for pattern, stamp_format in self._patterns:
            match = pattern.search(name)
            if match is None:
                continue
            groups = match.groupdict()
            if groups.get("stamp") is not None:
                moment = self._stamp(groups["stamp"], stamp_format)
                if moment is not None:
                    return moment
                continue
            seconds = self._seconds(groups)
            if seconds is not None:
                return seconds
        return None

    def _stamp(self, stamp: str, stamp_format: str) -> datetime | None:
        try:
            if stamp_format:
                moment = datetime.strptime(stamp, stamp_format)
            elif loose := _LOOSE_STAMP.fullmatch(stamp):
                day, hour, minute, second, fraction = loose.groups()
                moment = datetime.fromisoformat(
                    f"{day}T{hour}:{minute}:{second}.{(fraction or '0').ljust(6, '0')}"
                )
            elif compact := _COMPACT_STAMP.fullmatch(stamp):
                moment = datetime.strptime("".join(compact.groups()), "%Y%m%d%H%M%S")
            else:
                moment = datetime.fromisoformat(stamp)
        except ValueError:
            return None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)

    @staticmethod
    def _seconds(groups: dict[str, str | None]) -> float | None:
        try:
            numbers = [
                float(groups[unit] or "") * factor for unit, factor in _UNITS_S.items() if groups.get(unit)
            ]
        except ValueError:
            return None
        return sum(numbers) if numbers else None
