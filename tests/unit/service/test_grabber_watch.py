"""The grabber's watchdog is fed by frames and by attempts that ended; a driver that hangs starves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.clock import Instant
from monitor.grabber import Sight
from monitor.service.grabber_watch import GrabberWatch
from monitor.service.notifier import ServiceNotifier
from monitor.settings.station import StationSettings

SIGHT = Sight("Camera 7", 0, 0, camera_running=True, trouble="", may_be_quiet=False)


class HandClock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> Instant:
        nanoseconds = round(self.seconds * 1e9)
        return Instant(1_790_000_000_000_000_000 + nanoseconds, nanoseconds, "the boot")

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Recorded(ServiceNotifier):
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        super().__init__(None)
        self.sent: list[str] = []

    def _send(self, *states: str) -> None:
        self.sent += states

    def fed(self) -> int:
        return self.sent.count("WATCHDOG=1")

    def last_status(self) -> str:
        return [state for state in self.sent if state.startswith("STATUS=")][-1].removeprefix("STATUS=")


class Bench:
    def __init__(self, **sections: object) -> None:
        self.notifier, self.clock = Recorded(), HandClock()
        settings = StationSettings.model_validate(sections)
        self.watch = GrabberWatch(self.notifier, settings, self.clock)

    def see(self, sight: Sight) -> int:
        """One turn, two seconds after the last; how often the watchdog was fed by it."""
        before = self.notifier.fed()
        self.clock.sleep(2)
        self.watch.see(sight)
        return self.notifier.fed() - before


def test_it_is_ready_when_it_serves_whether_or_not_the_camera_answers() -> None:
    bench = Bench(service={"camera_patience_s": 200})
    bench.see(SIGHT)
    assert bench.notifier.sent[0] == "READY=1"
    assert "WATCHDOG_USEC=200000000" in bench.notifier.sent
    assert bench.notifier.last_status() == "Camera 7 · waiting for the first frame"


@pytest.mark.parametrize(
    "proof", [replace(SIGHT, frames=1), replace(SIGHT, attempts=1), replace(SIGHT, may_be_quiet=True)]
)
def test_only_proofs_feed_the_watchdog(proof: Sight) -> None:
    bench = Bench()
    bench.see(SIGHT)
    assert [bench.see(SIGHT), bench.see(SIGHT)] == [0, 0], "the loop goes round, the camera proves nothing"
    assert bench.see(proof) == 1


def test_a_lost_camera_is_told_with_the_time_and_the_reason() -> None:
    bench = Bench()
    bench.see(replace(SIGHT, frames=3))
    lost = replace(SIGHT, frames=3, camera_running=False, trouble="no such device")
    bench.see(replace(lost, attempts=1))
    bench.see(replace(lost, attempts=2))
    status = bench.notifier.last_status()
    assert "lost since" in status
    assert status.endswith("attempt 2 · no such device")
    bench.see(replace(SIGHT, frames=4, attempts=3))
    assert bench.notifier.last_status() == "Camera 7 · gives frames"
    for frames in range(5, 20):
        bench.see(replace(SIGHT, frames=frames))
    assert bench.notifier.last_status() == "Camera 7 · 0.5 frames/s · 19 frames"


@pytest.mark.parametrize(
    ("sections", "limit_s"),
    [
        ({"stream": {"reconnect_longest_s": 100}}, 300),
        ({"camera": {"kind": "simulated", "frames_per_s": 0.01}}, 300),
        ({"service": {"camera_patience_s": 500}}, 500),
    ],
)
def test_the_limit_covers_the_longest_honest_pause(sections: dict[str, object], limit_s: int) -> None:
    bench = Bench(**sections)
    bench.see(SIGHT)
    assert f"WATCHDOG_USEC={limit_s * 1_000_000}" in bench.notifier.sent
