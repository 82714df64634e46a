"""A moment as people at this machine say it."""

from __future__ import annotations

from datetime import datetime


def clock_time(moment: datetime, now: datetime) -> str:
    """A time of day in this machine's zone, with the day where that is another one."""
    local, today = moment.astimezone(), now.astimezone().date()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if abs(local.date() - today).days < 7 else f"{local:%Y-%m-%d %H:%M}"
