"""The soak with kills: every few seconds something is killed, stopped or torn, and nothing committed may be lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

from tests.soak import figures
from tests.soak.accounts import audit
from tests.soak.census import Census
from tests.soak.figures import Figure, Limits
from tests.soak.report import Report
from tests.soak.runs import RunChanger
from tests.soak.station import Plan, Station
from tests.soak.witness import Witness

CHECKPOINT_S = 30.0
FAIL_EVERY = 1000
"""Frames between two failures of the camera, which is opened again in the same session."""
PAUSE_S = (2.0, 12.0)
"""Between two disturbances, at least and at most, seconds; of these a start takes two to three."""
_PEACE_S = 2.0
"""After a new run was begun, seconds."""
_LAST_SHARE = 0.97
"""Then the station is left in peace, to come to its end."""
_MIDDLE_OF_A_START = 0.2
"""Share of the disturbances that do not wait for both to serve."""


class Disturber:
    """Does one of these at a time: kill -9 of one or both, an orderly stop of the grabber, a frozen analysis."""

    def __init__(self, station: Station, seed: int, pause_s: tuple[float, float]) -> None:
        self._station = station
        self._pause_s = pause_s
        self._chance = random.Random(seed)
        self.done: Counter[str] = Counter()

    def pause_s(self) -> float:
        """Until the next disturbance."""
        return self._chance.uniform(*self._pause_s)

    def patient(self) -> bool:
        """Whether the next disturbance waits until frames flow."""
        return self._chance.random() >= _MIDDLE_OF_A_START

    def disturb(self) -> None:
        """Something happens now."""
        what = self._chance.choice(("grab", "analyze", "grab", "analyze", "both", "stop", "freeze"))
        processes = self._station.processes()
        victims = {"both": ("grab", "analyze"), "stop": ("grab",), "freeze": ("analyze",)}.get(what, (what,))
        if not set(victims) <= processes.keys():
            return
        self.done[what] += 1
        for victim in victims:
            self._send(
                processes[victim],
                {"stop": signal.SIGTERM, "freeze": signal.SIGSTOP}.get(what, signal.SIGKILL),
            )
        if what == "freeze":
            time.sleep(self._chance.uniform(0.1, 3.0))
            self._send(processes["analyze"], signal.SIGCONT)

    @staticmethod
    def _send(pid: int, number: signal.Signals) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return  # it ended by itself at this moment


def kills(
    folder: Path,
    report: Report,
    *,
    runs: int,
    policy: str,
    seed: int,
    limits: Limits,
    frames_per_s: float | None = None,
    pause_s: tuple[float, float] = PAUSE_S,
) -> None:
    """Let a station in `folder` live through `report.frames` frames, and fill the report."""
    with Station(folder, Plan(report.frames, policy, FAIL_EVERY, frames_per_s)) as station:
        census, changer, witness = Census(station), RunChanger(station, runs), Witness(station.database)
        disturber = Disturber(station, seed, pause_s)
        census.start()
        saved_s = time.monotonic()
        due_s, given_then, patient = saved_s, 0, True
        while station.exit_code is None:
            time.sleep(0.1)
            given, now_s = station.chronicle.given, time.monotonic()
            if not witness.frames:
                witness.read()  # before its first frame a station has no run that anything could be missing from
                continue
            flows = given > given_then + 10 and {"grab", "analyze"} <= station.processes().keys()
            if changer.due:
                # In peace: what comes between two runs has a test of its own.
                if flows:
                    changer.look()
                    due_s, given_then, patient = time.monotonic() + _PEACE_S, station.chronicle.given, True
            elif now_s > due_s and (flows or not patient) and given < _LAST_SHARE * report.frames:
                witness.read()
                disturber.disturb()
                due_s, given_then = now_s + disturber.pause_s(), station.chronicle.given
                patient = disturber.patient()
            if now_s - saved_s > CHECKPOINT_S:
                saved_s = now_s
                witness.read()
                _tell(report, station, census, disturber, witness, limits)
        census.stop()
    witness.read()
    witness.hold_to_it()
    _tell(report, station, census, disturber, witness, limits)
    accounts = audit(station.database, station.chronicle.sent(), policy)
    report.figures |= figures.bookkeeping(accounts)
    report.problems += accounts.problems + changer.problems
    if witness.frames != accounts.considered:
        report.problems.append(f"{witness.frames} frames were seen, {accounts.considered} are there")
    if station.exit_code:
        report.problems.append(f"the station ended with code {station.exit_code}\n{station.log()}")
    report.finished = True
    report.save()


def _tell(
    report: Report, station: Station, census: Census, disturber: Disturber, witness: Witness, limits: Limits
) -> None:
    report.about |= {"frames_so_far": station.chronicle.given, "disturbances": dict(disturber.done)}
    report.problems = list(witness.problems)
    report.figures |= {
        "disturbances": Figure(disturber.done.total()),
        "frames_witnessed": Figure(witness.frames),
        "wal_largest_mb": Figure(census.largest_wal / figures.MEGABYTE, limits.wal_bytes / figures.MEGABYTE),
    }
    report.save()
