"""New runs in the middle of a soak, by the command that people use."""

from __future__ import annotations

from tests.soak.station import Station

_MOST_TRIES = 20


class RunChanger:
    """Says `new-run` whenever another share of the frames has been given."""

    def __init__(self, station: Station, runs: int) -> None:
        self._station = station
        self._runs = runs
        self._begun = 1
        self._tries = 0
        self.problems: list[str] = []

    @property
    def due(self) -> bool:
        """Whether the next run is to begin."""
        given, frames = self._station.chronicle.given, self._station.plan.frames
        return self._begun < self._runs and given * self._runs >= self._begun * frames

    def look(self) -> None:
        """Begin the next run if it is due; a command that finds nobody at home is given again."""
        if not self.due:
            return
        done = self._station.command(
            "new-run", f"soak {self._begun + 1}", "--config", str(self._station.config)
        )
        self._tries += 1
        if done.returncode == 0:
            self._begun, self._tries = self._begun + 1, 0
        elif self._tries > _MOST_TRIES:
            self.problems.append(f"no new run could be begun: {done.stderr[-500:]}")
            self._begun = self._runs
