"""Steps of the machine's time of day, from the readings of both clocks."""

from __future__ import annotations

import pytest

from monitor.analysis.clock_watch import ClockWatch
from monitor.clock import Instant
from monitor.records import EventKind

BOOT = "boot"
START = Instant(1_790_000_000_000_000_000, 5_000_000_000, BOOT)


def later(real_s: float, shown_s: float, boot: str = BOOT) -> Instant:
    """After `real_s` seconds, in which the time of day went on by `shown_s`."""
    assert START.boottime_ns is not None
    return Instant(START.utc_ns + round(shown_s * 1e9), START.boottime_ns + round(real_s * 1e9), boot)


@pytest.mark.parametrize(("shown_s", "way"), [(7201.0, "forward by 7200 s"), (-3599.0, "back by 3600 s")])
def test_a_step_is_told_once(shown_s: float, way: str) -> None:
    watch = ClockWatch()
    assert watch.look(START) is None
    event = watch.look(later(1, shown_s))
    assert event is not None
    assert event.event.kind is EventKind.CLOCK_STEPPED
    assert way in event.event.message
    assert watch.look(later(2, shown_s + 1)) is None


@pytest.mark.parametrize("now", [later(1, 1.4), later(28_800, 28_800), later(1, 7201, "another boot")])
def test_a_time_service_a_suspend_and_a_reboot_are_no_steps(now: Instant) -> None:
    watch = ClockWatch()
    watch.look(START)
    assert watch.look(now) is None


def test_clocks_without_a_boot_are_not_judged() -> None:
    watch = ClockWatch()
    watch.look(Instant(0))
    assert watch.look(Instant(10**15)) is None
