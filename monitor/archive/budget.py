"""What is in the archive, how much room it takes, and what goes first."""

from __future__ import annotations

import heapq
import os
from pathlib import Path

from monitor.archive.naming import ArchivedFile, KeptFor, read_name

MASKS_SUFFIX = ".json"


class Budget:
    """The archive's files and their sizes; drops the oldest routine frames, then the oldest of all."""

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        """Take stock of the folder."""
        self._folder = folder
        self._budget_bytes = budget_bytes
        self._sizes: dict[str, int] = {}
        self._queue: list[tuple[bool, int, str]] = []
        self.used_bytes = 0
        """Bytes that frames and masks take."""
        for unfinished in folder.rglob("*.part"):
            unfinished.unlink()
        for path in folder.rglob("*.png"):
            file = read_name(path.relative_to(folder).as_posix())
            if file is not None:
                self.add(file, _size(path) + _size(path.with_suffix(MASKS_SUFFIX)))

    def add(self, file: ArchivedFile, size_bytes: int) -> None:
        """A file was written."""
        self._sizes[file.name] = size_bytes
        self.used_bytes += size_bytes
        heapq.heappush(self._queue, (file.kept_for is not KeptFor.ROUTINE, file.captured_utc_us, file.name))

    def make_room(self, wanted_bytes: int) -> tuple[str, ...]:
        """Drop files until `wanted_bytes` more fit the budget; the names of those that went."""
        dropped: list[str] = []
        while self._queue and self.used_bytes + wanted_bytes > self._budget_bytes:
            dropped.append(self._drop_next())
        return tuple(dropped)

    def thin(self, wanted_bytes: int, most_files: int) -> tuple[str, ...]:
        """Drop the oldest routine frames until so many bytes are free, at most so many files; those that went."""
        dropped: list[str] = []
        freed = self.used_bytes - wanted_bytes
        while self._queue and not self._queue[0][0] and self.used_bytes > freed and len(dropped) < most_files:
            dropped.append(self._drop_next())
        return tuple(dropped)

    def _drop_next(self) -> str:
        _, _, name = heapq.heappop(self._queue)
        self.used_bytes -= self._sizes.pop(name)
        path = self._folder / name
        path.unlink(missing_ok=True)
        path.with_suffix(MASKS_SUFFIX).unlink(missing_ok=True)
        return name

    def fits(self, wanted_bytes: int) -> bool:
        """Whether so much more is within the budget."""
        return self.used_bytes + wanted_bytes <= self._budget_bytes


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  # one call per file matters in a large archive
    except OSError:
        return 0
