"""Throughput of the frame stream between two real processes, as a ratio of a plain memory copy in the same run.

    python tests/benchmarks/bench_stream.py [--seconds 3] [--json PATH]

Reports per frame size: MB/s of the stream, MB/s of copying the same pixels within a process, their ratio,
frames per second, the processor time of both processes per frame (ms) and that of the copy, which hold on a busy
machine too; and for `latest` the ages of frames (ms) at 50 frames/s with 100 ms of work each.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from report import Report, options_of

from monitor.camera import CameraDescription
from monitor.camera.pace import Pace
from monitor.clock import SystemClock
from monitor.frame import Frame, TimeSource
from monitor.grabber import Grabber
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source import connect_source


class EagerCamera:
    """Gives the same image as fast as it is taken, or at a pace."""

    def __init__(self, side_px: int, frames_per_s: float | None) -> None:
        self._image = np.zeros((side_px, side_px), np.uint16)
        self._image.flags.writeable = False
        self._clock = SystemClock()
        self._pace = Pace(self._clock, frames_per_s)
        self._session = ""

    def open(self, session: str) -> None:
        self._session = session

    def frames(self) -> Iterator[Frame]:
        index = 0
        while self._pace.wait_turn():
            yield Frame(self._image, self._session, index, self._clock.now(), TimeSource.CAMERA)
            index += 1

    def close(self) -> None:
        self._pace.stop()

    def describe(self) -> CameraDescription:
        return CameraDescription("eager", live=True)


def serve(settings: StreamSettings, side_px: int, frames_per_s: float | None) -> None:
    Grabber(EagerCamera(side_px, frames_per_s), settings, SystemClock()).run(threading.Event())


def copy_image(side_px: int) -> tuple[float, float]:
    """Copying such an image within this process: MB/s, and ms of processor time per image."""
    source = np.zeros((side_px, side_px), np.uint16)
    target = np.empty_like(source)
    rounds = max(10, 1_000_000_000 // source.nbytes)
    begun, used = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        np.copyto(target, source)
    used_ms = 1000 * (time.process_time() - used) / rounds
    return rounds * source.nbytes / (time.perf_counter() - begun) / 1e6, used_ms


@dataclass(frozen=True)
class Measured:
    """What a listener saw."""

    frames_per_s: float
    processor_ms: float
    """Processor time of grabber and listener together, per frame."""
    ages_s: list[float]


def stream(
    policy: StreamPolicy, side_px: int, seconds: float, frames_per_s: float | None, work_s: float
) -> Measured:
    """Take frames from a grabber process for a while."""
    with tempfile.TemporaryDirectory(prefix="cm") as folder:
        settings = StreamSettings(endpoint=f"ipc://{folder}/f.ipc", policy=policy)
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(settings, side_px, frames_per_s)
        )
        process.start()

        def used_s() -> float:
            # Fields 14 and 15 of proc(5): ticks in user and in kernel mode.
            ticks = (
                Path(f"/proc/{process.pid}/stat")
                .read_text(encoding="ascii")
                .rpartition(")")[2]
                .split()[11:13]
            )
            return time.process_time() + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

        source = connect_source(settings, SystemClock())
        source.open()
        ages_s: list[float] = []
        begun = used = 0.0
        while not begun or time.perf_counter() - begun < seconds:
            received = source.next(10.0)
            if received is None or received.age_s is None:
                continue
            if not begun:
                begun, used = time.perf_counter(), used_s()
            else:
                ages_s.append(received.age_s)
            if work_s:
                time.sleep(work_s)
        rate = len(ages_s) / (time.perf_counter() - begun)
        processor_ms = 1000 * (used_s() - used) / len(ages_s)
        source.close()
        process.kill()
        process.join()
        return Measured(rate, processor_ms, ages_s)


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time per frame size")
    options = parser.parse_args()
    report = Report("stream", "The frame stream between two processes, against a memory copy in one")
    for side_px in (256, 512, 1024, 2048):
        megabytes = 2 * side_px * side_px / 1e6
        seen = stream(StreamPolicy.LOSSLESS, side_px, options.seconds, None, 0)
        copying, copying_ms = copy_image(side_px)
        frame = f"{side_px}×{side_px} 16 bit"
        report.add(f"{frame}: frames", seen.frames_per_s, "/s")
        report.add(f"{frame}: stream", seen.frames_per_s * megabytes, "MB/s")
        report.add(f"{frame}: copy", copying, "MB/s")
        report.add(f"{frame}: stream / copy", seen.frames_per_s * megabytes / copying, "×")
        report.add(f"{frame}: stream, processor time a frame", seen.processor_ms, "ms")
        report.add(f"{frame}: copy, processor time a frame", copying_ms, "ms")
    ages_ms = sorted(
        1000 * age for age in stream(StreamPolicy.LATEST, 1024, 2 * options.seconds, 50, 0.1).ages_s
    )
    report.add("age of frames, policy latest: median", statistics.median(ages_ms), "ms", at_most=40)
    report.add("age of frames, policy latest: p95", ages_ms[int(0.95 * len(ages_ms))], "ms")
    report.add("age of frames, policy latest: largest", ages_ms[-1], "ms")
    report.finish(options.json)


if __name__ == "__main__":
    main()
