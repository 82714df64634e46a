"""Who is told of a run while it goes on: a person at the terminal, and TensorBoard."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol, TextIO

from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TENSORBOARD_NAME = "tensorboard"
PLAIN_EVERY_S = 60.0
"""Least time between lines where they are no moving line, s."""


class Watcher(Protocol):
    """What is told of a run: its begin, each row of its log, each look at the validation part, its end."""

    def begin(self, step: int, steps: int) -> None:
        """The run begins after `step` of `steps` steps."""

    def row(self, row: Mapping[str, float]) -> None:
        """A row of the log: `step`, `elapsed_s`, `learning_rate`, and the losses by name."""

    def look(self, step: int, value: float) -> None:
        """The validation part after `step` steps; more is better."""

    def end(self) -> None:
        """The run has ended."""


class Progress:
    """Tells how far a run is and how long it will take: one moving line on a terminal, plain lines elsewhere."""

    def __init__(
        self,
        minutes: float | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`minutes` is the run's allowance; `stream` is standard error where none is given."""
        self._allowed_s = None if minutes is None else 60 * minutes
        self._stream = sys.stderr if stream is None else stream
        self._clock, self._moving = clock, self._stream.isatty()
        self._begun_step = self._steps = 0
        self._begun_s, self._told_s, self._look = 0.0, float("-inf"), ""

    def begin(self, step: int, steps: int) -> None:
        """Take the time, and say that it begins: the first row is a while off."""
        self._begun_step, self._steps, self._begun_s = step, steps, self._clock()
        self._write(f"step {step} of {steps}")

    def row(self, row: Mapping[str, float]) -> None:
        """Tell of a row, if it is time."""
        now_s, step = self._clock(), int(row["step"])
        if not self._moving and now_s - self._told_s < PLAIN_EVERY_S and step < self._steps:
            return
        self._told_s = now_s
        used_s, done = now_s - self._begun_s, step - self._begun_step
        left_s = used_s * (self._steps - step) / max(done, 1)
        if self._allowed_s is not None:
            left_s = min(left_s, max(0.0, self._allowed_s - used_s))
        self._write(
            f"step {step} of {self._steps}, loss {row['loss']:.4f}{self._look}, {duration(left_s)} left"
        )

    def look(self, step: int, value: float) -> None:
        """Note what is told with the next row."""
        self._look = f", validation {value:.4f} at {step}"

    def end(self) -> None:
        """End the moving line."""
        if self._moving:
            print(file=self._stream, flush=True)

    def _write(self, line: str) -> None:
        text, end = (f"\r\x1b[K{line}", "") if self._moving else (line, "\n")
        print(text, end=end, file=self._stream, flush=True)


class TensorBoard:
    """Writes scalars where TensorBoard finds them; a resumed run takes back what it had written after its step."""

    def __init__(self, out: Path) -> None:
        """Write to the folder `out/tensorboard`; raises `TrainingError` where the package is not installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra that many do not need
        except ImportError as error:
            raise TrainingError(
                f"TensorBoard is not installed ({error}): run `pip install tensorboard`, or leave --tensorboard out"
            ) from error
        self._make: Callable[..., SummaryWriter] = SummaryWriter
        self._folder = str(out / TENSORBOARD_NAME)
        self._writer: SummaryWriter | None = None

    def begin(self, step: int, steps: int) -> None:
        """Open the events' file."""
        del steps
        self._writer = self._make(self._folder, purge_step=step or None)

    def row(self, row: Mapping[str, float]) -> None:
        """Write a row's scalars."""
        for name, value in row.items():
            if name != "step":
                self._add(f"training/{name}", value, int(row["step"]))

    def look(self, step: int, value: float) -> None:
        """Write the validation's."""
        self._add("validation/value", value, step)

    def end(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _add(self, name: str, value: float, step: int) -> None:
        if self._writer is not None:
            self._writer.add_scalar(name, value, step)


def duration(seconds: float) -> str:
    """Time for people: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
