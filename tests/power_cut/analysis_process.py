"""`python analysis_process.py CONFIG`: the analysis process as `analyze` runs it, telling each commit on stdout."""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.analysis import Progress, open_analysis
from monitor.clock import SystemClock
from monitor.service.lifetime import stop_on_signals
from monitor.settings.loading import load_settings


def tell(progress: Progress) -> None:
    """After a commit."""
    if progress.last is not None and progress.silence is None:
        print(f"committed {progress.last.session} {progress.last.frame_index}", flush=True)


if __name__ == "__main__":
    stop = stop_on_signals()
    with open_analysis(load_settings(Path(sys.argv[1])), SystemClock(), observers=[tell]) as analysis:
        analysis.loop.run(stop)
