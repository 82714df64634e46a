"""Progress of long work: one moving line on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
from types import TracebackType

import click

from monitor.analysis import Progress
from monitor.cli.output import duration_text
from monitor.records import FrameResult, RunState
from monitor.source import ReplaySource

PLAIN_EVERY = 10


def live_line(result: FrameResult) -> str:
    """One frame's figures for people: `12 min 30 s · growing · 23 crystals · t95 25 min 10 s`."""
    if result.completion is None:
        return f"{duration_text(result.elapsed_s)} · {result.quality.status.value} {result.quality.detail}"
    parts = [duration_text(result.elapsed_s), result.completion.state.value]
    if result.count is None:
        parts.append(f"{result.quality.status.value}: {result.quality.detail}")
        return " · ".join(parts)
    parts.append(f"{result.count} crystal{'' if result.count == 1 else 's'}")
    rates = sorted(fit.rate_um_per_s for fit in result.fits if fit.rate_um_per_s is not None)
    if rates:
        parts.append(f"{60 * rates[len(rates) // 2]:.3g} µm/min")
    if result.completion.t95.elapsed_s is not None and result.completion.state is not RunState.COMPLETE:
        parts.append(f"t95 {duration_text(result.completion.t95.elapsed_s)}")
    return " · ".join(parts)


class ReplayProgress:
    """Shows how far a replay has come. A context manager."""

    def __init__(self, source: ReplaySource) -> None:
        """`source` knows how many frames there will be."""
        self._source = source
        self._moving = sys.stderr.isatty()

    def show(self, progress: Progress) -> None:
        """To be called after every frame."""
        if progress.last is None:
            return
        total = self._source.frame_count
        line = f"frame {progress.frames}{f' of {total}' if total else ''} · {live_line(progress.last)}"
        if self._moving:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        elif progress.frames % PLAIN_EVERY == 0 or progress.frames in {1, total}:
            click.echo(line, err=True)

    def __enter__(self) -> ReplayProgress:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the moving line."""
        if self._moving:
            click.echo(err=True)
