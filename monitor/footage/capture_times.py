"""When an image file was taken: the first place in the stated order that knows it, and then always that
place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.footage.errors import NoTimeError
from monitor.footage.name_times import NameTimes
from monitor.footage.tag_times import read_tag_time
from monitor.frame import TimeSource
from monitor.settings.camera import TimeOrder, TimeReading


@dataclass(frozen=True, slots=True)
class KnownTime:
    """A time of capture and where it stands."""

    captured: Instant
    """The moment; without CLOCK_BOOTTIME."""
    source: TimeSource
    """Where it was read."""


class CaptureTimes:
    """Finds times of capture. The place that knew the first file's time serves the whole session.

    Times of two kinds (seconds since a run's zero, dates of a camera, dates of a file system) must not mix in
    one run. Seconds without a date count from `base`. Not thread-safe.
    """

    def __init__(self, reading: TimeReading, seconds_by_name: Mapping[str, float], base: Instant) -> None:
        """`seconds_by_name`: the rows of the timestamps file, empty where there is none."""
        self._order = reading.order
        self._zone = ZoneInfo(reading.time_zone)
        self._seconds_by_name = seconds_by_name
        self._names = NameTimes(reading.name_patterns, self._zone)
        self._base = base
        self.chosen: TimeOrder | None = None
        """The place that serves this session; None before the first file."""

    def of(self, name: str, data: bytes, modified_ns: int) -> KnownTime:
        """When the file of that name, content and modification time (UTC ns) was taken.

        Raises NoTimeError where the chosen place does not know it: no other is asked then.
        """
        for place in self._order if self.chosen is None else (self.chosen,):
            known = self._ask(place, name, data, modified_ns)
            if known is not None:
                self.chosen = place
                return known
        if self.chosen is None:
            asked = ", ".join(self._order)
            raise NoTimeError(
                f"no time is known for {name!r} (asked: {asked}): give a timestamps file or an interval"
            )
        raise NoTimeError(
            f"no time is known for {name!r} from the {self.chosen}, as for the frames before it"
        )

    def from_timestamps_file(self, name: str) -> KnownTime | None:
        """The time of that name in the timestamps file alone; None where it is not there."""
        if self.chosen not in (None, TimeOrder.TIMESTAMPS_FILE):
            return None
        known = self._ask(TimeOrder.TIMESTAMPS_FILE, name, b"", 0)
        if known is not None:
            self.chosen = TimeOrder.TIMESTAMPS_FILE
        return known

    def _ask(self, place: TimeOrder, name: str, data: bytes, modified_ns: int) -> KnownTime | None:
        found: float | datetime | None
        match place:
            case TimeOrder.TIMESTAMPS_FILE:
                found, source = self._seconds_by_name.get(name), TimeSource.TIMESTAMPS_FILE
            case TimeOrder.IMAGE_TAG:
                found, source = read_tag_time(data, self._zone), TimeSource.IMAGE_TAG
            case TimeOrder.FILE_NAME:
                found, source = self._names.read(name), TimeSource.FILE_NAME
            case TimeOrder.FILE_TIME:
                return KnownTime(Instant(modified_ns), TimeSource.FILE_TIME)
        if found is None:
            return None
        if isinstance(found, datetime):
            return KnownTime(Instant(_utc_ns(found)), source)
        return KnownTime(Instant(self._base.utc_ns + round(found * NANOSECONDS_PER_SECOND)), source)


def _utc_ns(moment: datetime) -> int:
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * NANOSECONDS_PER_SECOND + moment.microsecond * 1000
