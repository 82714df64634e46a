"""How a process of ours is told to stop: signals set an event, and a child does not outlive its supervisor."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from types import FrameType

from monitor.clock import Instant

SUPERVISOR_VARIABLE = "CRYSTAL_MONITOR_SUPERVISOR_PID"
STARTED_VARIABLE = "CRYSTAL_MONITOR_STATION_STARTED"
EXIT_STOPPED = 3
"""Exit code of a supervised grabber that was stopped while its camera still had frames."""
_PR_SET_PDEATHSIG = 1


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM, SIGINT and SIGHUP set; to be called in the main thread, before anything is opened."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    return stop


def keep_files_to_the_group() -> None:
    """Whatever umask this process was started with: its files are its user's to write and its group's to read."""
    os.umask(0o027)


def is_supervised() -> bool:
    """Whether a `Supervisor` started this process."""
    return SUPERVISOR_VARIABLE in os.environ


def station_variables(started: Instant) -> dict[str, str]:
    """What a supervisor tells its children by their environment: who it is, and when the station was started."""
    moment = f"{started.utc_ns} {started.boottime_ns or ''} {started.boot_id}"
    return {SUPERVISOR_VARIABLE: str(os.getpid()), STARTED_VARIABLE: moment}


def station_started() -> Instant | None:
    """When the station of this process was started; None for a process that nobody supervises."""
    moment = os.environ.get(STARTED_VARIABLE)
    if moment is None:
        return None
    utc_ns, boottime_ns, boot_id = moment.split(" ")
    return Instant(int(utc_ns), int(boottime_ns) if boottime_ns else None, boot_id)


def end_with_supervisor() -> None:
    """Have the kernel send SIGTERM to this process when its supervisor dies, so that no orphan keeps the camera."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is None or sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(supervisor):  # it died before the call above took effect
        os.kill(os.getpid(), signal.SIGTERM)
