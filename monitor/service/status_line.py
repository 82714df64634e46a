"""The line that `systemctl status` shows: `growing · 132 crystals · 4.1 µm/min · t95 14:32`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.frame import DEFAULT_FIELD
from monitor.metrics.glance import FieldGlance
from monitor.records import FrameResult, RunState
from monitor.records.run import Run
from monitor.service.clock_time import clock_time

if TYPE_CHECKING:
    from monitor.analysis import Progress

_SECONDS_PER_MINUTE = 60.0


class StatusLine:
    """Remembers what the last frames of each field showed. Times are in this machine's zone."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._glances: dict[str, FieldGlance] = {}
        self._run_id: int | None = None

    def of(self, progress: Progress) -> str:
        """The line after a commit."""
        run, last = progress.run, progress.last
        if run is not None and run.run_id != self._run_id:
            self._glances.clear()
            self._run_id = run.run_id
        silence = progress.silence
        if silence is not None and silence.completion.state is RunState.BLIND:
            since = "" if last is None else f" since {clock_time(last.captured.utc, silence.at.utc)}"
            if last is None or run is None or not run.keeps_real_time(silence.at):
                since = ""
            return f"{_field(silence.field)}blind · no good frame{since}"
        if last is None or run is None:
            state = "resumed" if silence is None else silence.completion.state.value
            return f"{state} · waiting for frames"
        glance = self._glances.setdefault(last.field, FieldGlance())
        if silence is None:
            glance.see(last)
        return _field(last.field) + " · ".join(_parts(glance, last, run, progress))


def _parts(glance: FieldGlance, last: FrameResult, run: Run, progress: Progress) -> list[str]:
    parts = []
    if glance.completion is not None:
        parts.append(glance.completion.state.value)
    if last.tracker is None:
        parts.append(f"last frame {last.quality.status.value}: {last.quality.detail or last.quality.reason}")
    if glance.count is not None:
        parts.append(f"{glance.count:,} crystal{'' if glance.count == 1 else 's'}")
    rate_um_per_s, rate_px_per_s = glance.median_rate_um_per_s(), glance.median_rate_px_per_s()
    if rate_um_per_s is not None:
        parts.append(f"{_SECONDS_PER_MINUTE * rate_um_per_s:.3g} µm/min")
    elif rate_px_per_s is not None:
        parts.append(f"{_SECONDS_PER_MINUTE * rate_px_per_s:.3g} px/min")
    t95_s = glance.completion.t95.elapsed_s if glance.completion is not None else None
    if (
        t95_s is not None
        and glance.completion is not None
        and glance.completion.state is not RunState.COMPLETE
    ):
        parts.append(f"t95 {_moment(t95_s, last, run, progress)}")
    return parts


def _moment(elapsed_s: float, last: FrameResult, run: Run, progress: Progress) -> str:
    """A time of the run: of day where its frames are timed by the real clock, else since its time zero."""
    if progress.committed is not None and run.keeps_real_time(progress.committed):
        moment = last.captured.utc + timedelta(seconds=elapsed_s - last.elapsed_s)
        return clock_time(moment, progress.committed.utc)
    minutes = (elapsed_s - run.zero_s) / _SECONDS_PER_MINUTE
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _field(name: str) -> str:
    return "" if name == DEFAULT_FIELD else f"{name}: "
