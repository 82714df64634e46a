"""Bar 4, in short: the simulated microscope through the real two processes keeps to its limits.

The whole of it is `crystal-monitor acceptance` (10 seeds); here two seeds, so that every change is tried.
"""

from __future__ import annotations

import threading

import pytest

from monitor.clock import SystemClock
from monitor.service.acceptance import Limits, run_acceptance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_the_simulated_microscope_keeps_to_its_limits() -> None:
    told: list[str] = []
    # Two experiments scatter more than ten: the rate's limit is wider here than in the command.
    limits = Limits(median_rate_error=0.08)
    # Half as long again as the command's, for the frames that are missed where other tests run beside this one.
    report = run_acceptance((1, 2), 45.0, SystemClock(), threading.Event(), told.append, limits)
    assert len(told) == 3
    failed = {name: figure for name, figure in report.figures.items() if not figure.passed}
    assert report.passed, f"{failed}\n" + "\n".join(told)
