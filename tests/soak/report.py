"""A soak's report: JSON that is whole at any moment, so that a soak that was cut short still tells something."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.figures import Figures


@dataclass
class Report:
    """Written by `save` in the shape of `crystal-monitor acceptance --json`."""

    kind: str
    frames: int
    path: Path | None = None
    finished: bool = False
    figures: Figures = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether it went to its end and every figure kept its limit."""
        return self.finished and not self.problems and all(each.passed for each in self.figures.values())

    def content(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "soak": self.kind,
            "frames": self.frames,
            "finished": self.finished,
            "passed": self.passed,
            "problems": self.problems,
            "about": self.about,
            "figures": {
                name: {"value": round(each.value, 6), "limit": each.limit, "passed": each.passed}
                for name, each in self.figures.items()
            },
        }

    def save(self) -> None:
        """Put it in place of the last, whole or not at all."""
        if self.path is None:
            return
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.content(), indent=1) + "\n", encoding="utf-8")
        new.replace(self.path)

    def lines(self) -> str:
        """For people."""
        rows = [f"{self.kind}, {self.frames} frames: {'passed' if self.passed else 'FAILED'}"]
        for name, each in self.figures.items():
            limit = (
                "" if each.limit is None else f"   (limit {each.limit:g}{'' if each.passed else ', BROKEN'})"
            )
            rows.append(f"  {name:32} {each.value:12.6g}{limit}")
        return "\n".join(rows + [f"  {problem}" for problem in self.problems])


def file_system(path: Path) -> str:
    """Kind of the file system that `path` lies on, as the kernel names it."""
    device = path.stat().st_dev
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        major, _, minor = words[2].partition(":")
        if os.makedev(int(major), int(minor)) == device:
            return words[words.index("-") + 1]
    return "unknown"
