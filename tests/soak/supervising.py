"""`python -m tests.soak.supervising CONFIG LOGS`: `crystal-monitor run`, but what was killed is back within 0.4 s."""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.clock import SystemClock
from monitor.service import Supervisor, stop_on_signals
from monitor.service.lifetime import end_with_supervisor

LONGEST_BACKOFF_S = 0.4


def main() -> int:
    """Supervise until SIGTERM or the camera's end."""
    config, logs = Path(sys.argv[1]), Path(sys.argv[2])
    stop = stop_on_signals()
    end_with_supervisor()  # here: with the soak, which may be killed as well
    return Supervisor(config, SystemClock(), stop, log_folder=logs, longest_backoff_s=LONGEST_BACKOFF_S).run()


if __name__ == "__main__":
    sys.exit(main())
