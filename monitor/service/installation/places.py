"""Where things lie on the machine, or in the folder of an image that is being made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor.settings.system_station import BACKUP_FOLDER, CONFIG_FOLDER, RUNTIME_FOLDER, STATE_FOLDER

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
"""A station's name: the instance of its units, and of its files."""


@dataclass(frozen=True, slots=True)
class Places:
    """The machine's folders that an installation writes to."""

    root: Path = Path("/")
    """`/`, or the folder of an image."""

    def inside(self, path: Path) -> Path:
        """A path of the machine, as it is reached from here."""
        return self.root / path.relative_to("/")

    @property
    def is_this_machine(self) -> bool:
        """Whether it is no image."""
        return self.root == Path("/")

    @property
    def units(self) -> Path:
        """The administrator's units."""
        return self.inside(Path("/etc/systemd/system"))

    @property
    def sysusers(self) -> Path:
        """Who there is to be."""
        return self.inside(Path("/etc/sysusers.d"))

    @property
    def tmpfiles(self) -> Path:
        """Which folders there are to be."""
        return self.inside(Path("/etc/tmpfiles.d"))

    @property
    def udev(self) -> Path:
        """Rules for devices."""
        return self.inside(Path("/etc/udev/rules.d"))

    @property
    def config(self) -> Path:
        """Settings of the stations."""
        return self.inside(CONFIG_FOLDER)

    @property
    def state(self) -> Path:
        """Databases and archives."""
        return self.inside(STATE_FOLDER)

    @property
    def backups(self) -> Path:
        """Nightly copies of the databases."""
        return self.inside(BACKUP_FOLDER)

    @property
    def runtime(self) -> Path:
        """Sockets."""
        return self.inside(RUNTIME_FOLDER)

    def settings_of(self, station: str) -> Path:
        """A station's settings file."""
        return self.config / f"{station}.toml"

    def stations(self) -> list[str]:
        """Names of the stations that have settings here."""
        return sorted(path.stem for path in self.config.glob("*.toml"))
