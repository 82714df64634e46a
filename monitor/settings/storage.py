"""Where trails are kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from monitor.settings.base import SettingsModel


def user_database() -> str:
    """URL of the database in the user's data folder: the default where a station names none."""
    folder = Path(os.environ.get("XDG_DATA_HOME", "") or Path.home() / ".local" / "share") / "crystal-monitor"
    return f"sqlite:///{folder / 'station.sqlite'}"


class StorageSettings(SettingsModel):
    """The database."""

    database: str = Field(default_factory=user_database, min_length=1)
    """SQLAlchemy URL of an SQLite file (sqlite:///FOLDER/NAME.sqlite) or PostgreSQL database."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """How hard SQLite makes sure of a commit: FULL survives a power cut, NORMAL may lose the last frames in one."""
