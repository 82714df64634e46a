"""Grabber and analysis as two processes under one supervisor, for a station without systemd.

A child that dies is started again after a back-off; a child that ends with exit code 2 (a user's mistake) before it
ever served ends the station with that code; a grabber that ends with 0 has no more frames, and the analysis is let
finish. The analysis may be the first of the two to end then: it is not started again before the grabber had the time to
end as well.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.clock import Clock
from monitor.service.lifetime import station_variables
from monitor.settings.waits import COMMIT_HELD_S

log = logging.getLogger(__name__)

EXIT_FAILURE = 1
EXIT_USER_ERROR = 2
POLL_S = 0.1
FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 10.0
GRACE_S = COMMIT_HELD_S + 5.0
"""How long a child may take to commit the frame in hand before it is killed, seconds: the commit may just be held."""
PARTING_S = 3.0
"""How long an analysis that ended in order stays down, for the grabber to end as well, seconds."""
STABLE_S = 30.0
"""A child that ran this long is healthy: its back-off starts again from the beginning. Nothing was wrong with its
settings: what stops it later may pass, and is tried again. A busy machine needs some seconds to start it."""


@dataclass
class _Child:
    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    backoff_s: float = FIRST_BACKOFF_S
    restart_at_s: float = 0.0
    restarts: int = 0
    ended_in_order: bool = False
    has_served: bool = False
    log_file: Path | None = field(default=None)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keeps `grab CONFIG` and `analyze CONFIG` running until they are done or it is told to stop."""

    def __init__(
        self,
        config: Path,
        clock: Clock,
        stop: threading.Event,
        *,
        log_folder: Path | None = None,
        longest_backoff_s: float = LONGEST_BACKOFF_S,
    ) -> None:
        """Nothing is started before `run`.

        Args:
            config: the station's settings file, handed to both children.
            clock: where the time comes from.
            stop: set from a signal handler or another thread to end the station.
            log_folder: existing folder for the children's output; None lets them write to this process's own.
            longest_backoff_s: longest wait before a child that died is started again, seconds.
        """
        self._longest_backoff_s = longest_backoff_s
        self._clock = clock
        self._stop = stop
        self._analysis = self._child("analyze", config, log_folder)
        self._grabber = self._child("grab", config, log_folder)
        self._finished = False
        self._started = clock.now()

    @staticmethod
    def _child(command: str, config: Path, log_folder: Path | None) -> _Child:
        arguments = [sys.executable, "-m", "monitor.cli", command, str(config)]
        return _Child(command, arguments, log_file=log_folder / f"{command}.log" if log_folder else None)

    @property
    def process_ids(self) -> dict[str, int]:
        """Process numbers of the children that run, by command (`grab`, `analyze`)."""
        children = (self._grabber, self._analysis)
        return {child.name: child.process.pid for child in children if child.process and child.running()}

    def run(self) -> int:
        """Supervise until the end; the exit code: 0 after a stop or the last frame, 2 for a user's mistake,
        1 where the analysis died after the last frame."""
        code = 0
        try:
            while not self._stop.is_set():
                now_s = self._seconds()
                ended = self._tend(self._analysis, now_s)
                if ended is None and not self._finished:
                    ended = self._tend(self._grabber, now_s)
                if ended is not None:
                    code = ended
                    break
                self._stop.wait(POLL_S)
        finally:
            self._end(self._grabber)
            self._end(self._analysis)
        return code

    def _tend(self, child: _Child, now_s: float) -> int | None:
        """Start or restart a child as needed; the station's exit code once it must end, else None."""
        if child.running():
            if now_s - child.started_s > STABLE_S:
                child.has_served = True
                child.backoff_s = FIRST_BACKOFF_S
            return None
        if child.process is not None:
            code = child.process.returncode
            child.process = None
            if code == EXIT_USER_ERROR and not child.has_served:
                return EXIT_USER_ERROR
            if code == 0 and child is self._grabber:
                self._finished = True
                return None
            child.ended_in_order = code == 0
            wait_s = max(child.backoff_s, PARTING_S) if child.ended_in_order else child.backoff_s
            child.restarts += 1
            child.restart_at_s = now_s + wait_s
            if not self._finished:
                log.warning("%s ended with code %s; it starts again in %.1f s", child.name, code, wait_s)
            child.backoff_s = min(child.backoff_s * 2, self._longest_backoff_s)
        if self._finished:  # no frame will come: an analysis started now would wait for ever
            return 0 if child.ended_in_order else EXIT_FAILURE
        if now_s >= child.restart_at_s:
            child.ended_in_order = False
            self._start(child, now_s)
        return None

    def _start(self, child: _Child, now_s: float) -> None:
        environment = os.environ | station_variables(self._started)
        output = child.log_file.open("ab") if child.log_file else None
        try:
            # A session of its own: Ctrl-C reaches the supervisor alone, which then stops both in order.
            child.process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                child.arguments, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        finally:
            if output is not None:
                output.close()
        child.started_s = now_s

    @staticmethod
    def _end(child: _Child) -> None:
        if not child.running() or child.process is None:
            return
        child.process.send_signal(signal.SIGTERM)
        try:
            child.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            log.error("%s did not stop within %.0f s and is killed", child.name, GRACE_S)
            child.process.kill()
            child.process.wait()

    def _seconds(self) -> float:
        instant = self._clock.now()
        assert instant.boottime_ns is not None, "the supervisor needs a live clock"
        return instant.boottime_ns / 1e9
