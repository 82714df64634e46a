"""What keys cost the frame stream: CURVE over TCP on this machine against plain ipc and TCP, beside a memory copy.

    python tests/benchmarks/bench_stream_keys.py [--blocks 40] [--frames 40] [--json PATH]

Three grabber processes hold the same frames of 1024×1024 pixels of 8 bit, policy `lossless`, and are asked by turns in
blocks. A frame's time is from the question to the frame in hand: what the analysis waits for a frame that is ready. The
processor time is that of both processes. Ratios are medians over the pairs of blocks.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bench_stream import EagerCamera
from report import Report, options_of

from monitor.clock import SystemClock
from monitor.grabber import Grabber
from monitor.settings.secrets import Secret
from monitor.settings.stream import StreamKeys, StreamPolicy, StreamSettings
from monitor.source import FrameSource, connect_source
from monitor.wire import make_key_pair

SIDE_PX = 1024
ARMS = ("ipc", "tcp", "tcp with keys")


class SmallPixelCamera(EagerCamera):
    """The eager camera with 8 bit a pixel."""

    def __init__(self) -> None:
        super().__init__(SIDE_PX, None)
        self._image = np.random.default_rng(1).integers(0, 256, (SIDE_PX, SIDE_PX)).astype(np.uint8)
        self._image.flags.writeable = False


def serve(settings: StreamSettings) -> None:
    Grabber(SmallPixelCamera(), settings, SystemClock()).run(threading.Event())


def settings_of(arm: str, folder: Path) -> StreamSettings:
    if arm == "ipc":
        return StreamSettings(endpoint=f"ipc://{folder}/f.ipc", policy=StreamPolicy.LOSSLESS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    keys = keys_in(folder) if arm == "tcp with keys" else None
    return StreamSettings(endpoint=endpoint, policy=StreamPolicy.LOSSLESS, keys=keys)


def keys_in(folder: Path) -> StreamKeys:
    pairs = {name: make_key_pair() for name in ("grabber", "analysis")}
    for name, (_, secret) in pairs.items():
        path = folder / f"{name}.key"
        path.touch(0o600)
        path.write_text(secret, encoding="ascii")
    return StreamKeys(
        grabber_secret=Secret(file=folder / "grabber.key"),
        listeners=(pairs["analysis"][0],),
        grabber_public=pairs["grabber"][0],
        listener_secret=Secret(file=folder / "analysis.key"),
    )


class Arm:
    """One stream, between two processes."""

    def __init__(self, source: FrameSource, process_id: int) -> None:
        self._source = source
        self._process_id = process_id
        self.wall_s: list[float] = []
        """By block, the median of its frames' times."""
        self.processor_s: list[float] = []
        """By block, for each frame."""

    def block(self, frames: int) -> None:
        took_s, used_s = [], self._used_s()
        while len(took_s) < frames:
            begun_s = time.perf_counter()
            received = self._source.next(10.0)
            if received is not None and received.age_s is not None:
                took_s.append(time.perf_counter() - begun_s)
        self.wall_s.append(statistics.median(took_s))
        self.processor_s.append((self._used_s() - used_s) / frames)

    def _used_s(self) -> float:
        # Fields 14 and 15 of proc(5): ticks in user and in kernel mode.
        text = Path(f"/proc/{self._process_id}/stat").read_text(encoding="ascii")
        ticks = sum(map(int, text.rpartition(")")[2].split()[11:13]))
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def streaming(arm: str) -> Iterator[Arm]:
    with TemporaryDirectory(prefix="cm") as folder:
        (Path(folder) / "run").mkdir()
        os.environ["RUNTIME_DIRECTORY"] = f"{folder}/run"
        settings = settings_of(arm, Path(folder))
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(settings,))
        process.start()
        source = connect_source(settings, SystemClock())
        source.open()
        try:
            assert process.pid is not None
            yield Arm(source, process.pid)
        finally:
            source.close()
            process.kill()
            process.join()


def copies_s(frames: int) -> float:
    """Median time of copying such an image within this process, seconds."""
    source = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    took_s = []
    for _ in range(frames):
        begun_s = time.perf_counter()
        source.copy()
        took_s.append(time.perf_counter() - begun_s)
    return statistics.median(took_s)


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--frames", type=int, default=40, help="frames a block")
    options = parser.parse_args()
    copying_s: list[float] = []
    with ExitStack() as stack:
        arms = {name: stack.enter_context(streaming(name)) for name in ARMS}
        for turn in range(options.blocks + 1):
            for name in ARMS if turn % 2 else ARMS[::-1]:
                arms[name].block(options.frames)
            copying_s.append(copies_s(options.frames))
    report = Report(
        "stream_keys", f"Keys on the stream: frames of {SIDE_PX}×{SIDE_PX}, {options.blocks} blocks by turns"
    )

    def ratio(ours: list[float], theirs: list[float]) -> float:
        return statistics.median(one / other for one, other in zip(ours[1:], theirs[1:], strict=True))

    for name, arm in arms.items():
        frame_s = statistics.median(arm.wall_s[1:])
        report.add(f"{name}: a frame", 1000 * frame_s, "ms")
        report.add(f"{name}: throughput", SIDE_PX * SIDE_PX / frame_s / 1e6, "MB/s")
        report.add(f"{name}: processor time a frame", 1000 * statistics.median(arm.processor_s[1:]), "ms")
    report.add("copy of a frame in memory", 1000 * statistics.median(copying_s[1:]), "ms")
    keys = arms["tcp with keys"]
    for peer in ("ipc", "tcp"):
        added_s = [one - other for one, other in zip(keys.wall_s[1:], arms[peer].wall_s[1:], strict=True)]
        report.add(f"with keys over {peer}: added to a frame", 1000 * statistics.median(added_s), "ms")
        report.add(f"with keys over {peer}: time, ratio", ratio(keys.wall_s, arms[peer].wall_s), "×")
        processor = ratio(keys.processor_s, arms[peer].processor_s)
        report.add(f"with keys over {peer}: processor time, ratio", processor, "×")
    report.add("with keys over a copy in memory: time, ratio", ratio(keys.wall_s, copying_s), "×")
    report.finish(options.json)


if __name__ == "__main__":
    main()
