"""Real grabber and analysis processes over ipc: freshness, no loss, kills, the ledger."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from monitor.clock import SystemClock
from monitor.errors import SourceError
from monitor.frame import FailedFrame, Frame, FrameLoss
from monitor.grabber import run_grabber
from monitor.grabber.session_file import SessionFile
from monitor.settings.camera import SimulatedCameraSettings
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source import Notice, NoticeKind, Received, connect_source
from monitor.source.protocol import FrameSource

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def endpoint() -> Iterator[str]:
    # pytest's own folder may be too deep for a socket's path.
    with tempfile.TemporaryDirectory(prefix="cm") as folder:
        yield f"ipc://{folder}/frames.ipc"


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a script of this folder as a process; what still runs at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def run(script: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(HERE / script), *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def connect(endpoint: str) -> Iterator[Callable[[str], FrameSource]]:
    sources: list[FrameSource] = []

    def make(policy: str) -> FrameSource:
        settings = StreamSettings(
            endpoint=endpoint, policy=StreamPolicy(policy), heartbeat_s=0.2, silence_s=1.0
        )
        source = connect_source(settings, SystemClock())
        source.open()
        sources.append(source)
        return source

    yield make
    for source in sources:
        source.close()


class Ledger:
    """Every sequence number that was given or lost, with what became of it."""

    def __init__(self) -> None:
        self.fates: dict[str, dict[int, str]] = defaultdict(dict)
        self.notices: list[Notice] = []

    def enter(self, received: Received) -> None:
        for loss in received.losses:
            self.lose(loss)
        item = received.item
        if isinstance(item, Notice):
            self.notices.append(item)
        else:
            self._fate(item.session, item.frame_index, "given")

    def lose(self, loss: FrameLoss) -> None:
        for index in range(loss.first_index, loss.last_index + 1):
            self._fate(loss.session, index, loss.reason)

    def _fate(self, session: str, index: int, fate: str) -> None:
        known = self.fates[session]
        assert index not in known, f"{index} was {known[index]}, and is {fate} now"
        assert index == len(known), f"{index} came before {len(known)}"
        known[index] = fate

    def has(self, kind: NoticeKind) -> bool:
        return any(notice.kind is kind for notice in self.notices)


def collect(source: FrameSource, ledger: Ledger, until: Callable[[], bool], limit_s: float = 45.0) -> None:
    end = time.monotonic() + limit_s
    while not until():
        assert time.monotonic() < end, f"not within {limit_s} s; {source.statistics}, {ledger.notices}"
        received = source.next(0.2)
        if received is not None:
            ledger.enter(received)


def newest_index(endpoint: str) -> int:
    """The camera's newest sequence number, as the session file beside the socket has it at this moment."""
    raw = Path(endpoint.removeprefix("ipc://") + ".session").read_bytes()
    return int.from_bytes(raw[32:40], "little", signed=True)


def session_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_latest_gives_fresh_frames_to_a_slow_analysis(
    endpoint: str, start: Start, connect: Callable[[str], FrameSource]
) -> None:
    """50 frames/s against half a second of analysis: never more than 2 camera periods old.

    Counted in the camera's own frames, by the number that the grabber notes down for each: on a machine that stalls
    processes, the camera's period is longer too. The time itself is asserted where the machine let everybody run.
    """
    start("stream_grabber.py", endpoint, "latest", 50, 0, 512)
    source = connect("latest")
    ledger = Ledger()
    collect(source, ledger, lambda: source.statistics.received > 0)
    ages_s: list[float] = []
    newer: list[int] = []
    while len(ages_s) < 12:
        time.sleep(0.5)
        received = source.next(2.0)
        newest = newest_index(endpoint)
        assert received is not None
        ledger.enter(received)
        if isinstance(received.item, Notice):
            continue
        assert received.age_s is not None
        ages_s.append(received.age_s)
        newer.append(newest - received.item.frame_index)
    assert source.statistics.lost > 100, "the control: the analysis was too slow for the camera"
    assert statistics.quantiles(newer, n=10)[-1] <= 2, newer
    assert statistics.quantiles(ages_s, n=4)[0] <= 2 / 50, ages_s
    assert {fate for fates in ledger.fates.values() for fate in fates.values()} == {"given", "superseded"}


def test_lossless_gives_every_frame(
    endpoint: str, start: Start, connect: Callable[[str], FrameSource]
) -> None:
    grabber = start("stream_grabber.py", endpoint, "lossless", 2000, 150, 64)
    source = connect("lossless")
    ledger = Ledger()
    frames: list[Frame | FailedFrame] = []
    while not ledger.has(NoticeKind.SESSION_EXHAUSTED):
        received = source.next(5.0)
        assert received is not None
        ledger.enter(received)
        if isinstance(received.item, Frame | FailedFrame):
            frames.append(received.item)
            time.sleep(0.002)
    assert [frame.frame_index for frame in frames] == list(range(150))
    for frame in frames:
        assert isinstance(frame, FailedFrame) == (frame.frame_index % 7 == 6)
        if isinstance(frame, Frame):
            assert (frame.image == frame.frame_index).all()
    assert source.statistics.lost == 0
    assert grabber.wait(timeout=10) == 0, "the grabber ends by itself when all is told"


@pytest.mark.parametrize("policy", ["latest", "lossless"])
def test_a_stopped_grabber_says_goodbye_to_a_busy_analysis(
    endpoint: str, start: Start, connect: Callable[[str], FrameSource], policy: str
) -> None:
    grabber = start("stream_grabber.py", endpoint, policy, 100, 0, 64)
    session = session_of(grabber)
    source = connect(policy)
    ledger = Ledger()
    collect(source, ledger, lambda: source.statistics.received >= 5)
    grabber.send_signal(signal.SIGTERM)
    assert grabber.wait(timeout=10) == 0
    assert grabber.stdout is not None
    grabbed = int(grabber.stdout.read().split()[0])
    time.sleep(0.3)
    collect(source, ledger, lambda: ledger.has(NoticeKind.SESSION_ENDED))
    assert len(ledger.fates[session]) == grabbed


@pytest.mark.parametrize("policy", ["latest", "lossless"])
@pytest.mark.timeout(300)
def test_a_killed_grabber_leaves_an_exact_ledger(
    endpoint: str, start: Start, connect: Callable[[str], FrameSource], policy: str
) -> None:
    source = connect(policy)
    ledger = Ledger()
    last_by_session: dict[str, int] = {}
    for turn in range(6):
        grabber = start("stream_grabber.py", endpoint, policy, 200, 0, 64)
        session = session_of(grabber)
        wanted = source.statistics.received + 1 + turn % 4
        collect(source, ledger, lambda wanted=wanted: source.statistics.received >= wanted)  # type: ignore[misc]
        grabber.kill()
        grabber.wait()
        with SessionFile(StreamSettings(endpoint=endpoint)) as file:
            assert file.earlier[0].session == session
            last_by_session[session] = file.earlier[0].last_index
    grabber = start("stream_grabber.py", endpoint, policy, 200, 0, 64)
    current = session_of(grabber)
    collect(source, ledger, lambda: bool(ledger.fates.get(current)))
    for session, last in last_by_session.items():
        fates = ledger.fates[session]
        assert len(fates) == last + 1
        assert "given" in fates.values()
        tail = [fate for fate in fates.values() if fate == "unknown"]
        assert list(fates.values())[len(fates) - len(tail) :] == tail, "only the tail may be unknown"
    assert sum(notice.kind is NoticeKind.SESSION_BROKEN for notice in ledger.notices) == 6


@pytest.mark.parametrize("policy", ["latest", "lossless"])
@pytest.mark.timeout(300)
def test_a_killed_analysis_wedges_nothing_and_loses_nothing(
    endpoint: str, start: Start, tmp_path: Path, policy: str
) -> None:
    grabber = start("stream_grabber.py", endpoint, policy, 100, 0, 256)
    session = session_of(grabber)
    commits = tmp_path / "commits"

    def committed() -> list[list[str]]:
        text = commits.read_text() if commits.exists() else ""
        return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]

    for turn in range(5):
        before = len(committed())
        listener = start("stream_listener.py", endpoint, policy, 0.003, commits)
        end = time.monotonic() + 45
        while len(committed()) < before + 3 + turn:
            assert time.monotonic() < end, "the analysis stands still"
            time.sleep(0.003 * (1 + turn))
        listener.kill()
        listener.wait()
    assert grabber.poll() is None
    expected = 0
    for line in committed():
        assert line[1] == session
        first, last = int(line[2]), int(line[2 if line[0] == "frame" else 3])
        assert first == expected, "a frame was given twice, or neither given nor lost"
        expected = last + 1
    reasons = {line[4] for line in committed() if line[0] == "loss"}
    assert reasons == ({"superseded"} if policy == "latest" else set())


def test_the_camera_waits_only_under_lossless(endpoint: str, start: Start) -> None:
    """A stopped (not killed) analysis: the session file shows how far the camera went meanwhile."""
    for policy, moved in (("latest", True), ("lossless", False)):
        grabber = start("stream_grabber.py", endpoint, policy, 100, 0, 64)
        session_of(grabber)
        settings = StreamSettings(endpoint=endpoint, policy=StreamPolicy(policy), heartbeat_s=0.2)
        source = connect_source(settings, SystemClock())
        source.open()
        ledger = Ledger()
        collect(source, ledger, lambda source=source: source.statistics.received >= 3)  # type: ignore[misc]
        time.sleep(0.3)
        before = newest_index(endpoint)
        time.sleep(0.5)
        assert (newest_index(endpoint) != before) is moved
        source.close()
        grabber.kill()
        grabber.wait()


def test_junk_on_the_socket_is_counted_and_ignored(
    endpoint: str, start: Start, connect: Callable[[str], FrameSource]
) -> None:
    grabber = start("stream_grabber.py", endpoint, "latest", 100, 0, 64)
    session_of(grabber)
    context = zmq.Context()
    junk = context.socket(zmq.DEALER)
    junk.linger = 0
    junk.connect(endpoint)
    for message in (b"", b"hello", b"CMW1" + bytes(100), b"x" * 60_000):
        junk.send(message)
    junk.send_multipart([b"a", b"b", b"c"])
    source = connect("latest")
    ledger = Ledger()
    collect(source, ledger, lambda: source.statistics.received >= 20)
    junk.send(b"y" * 1_000_000)
    collect(source, ledger, lambda: source.statistics.received >= 40)
    junk.close()
    context.term()
    grabber.send_signal(signal.SIGTERM)
    assert grabber.wait(timeout=10) == 0
    assert grabber.stdout is not None
    assert int(grabber.stdout.read().split()[1]) == 5


def test_a_second_grabber_is_refused(
    endpoint: str, start: Start, connect: Callable[[str], FrameSource]
) -> None:
    start("stream_grabber.py", endpoint, "latest", 100, 0, 64)
    source = connect("latest")
    ledger = Ledger()
    collect(source, ledger, lambda: source.statistics.received > 0)
    settings = StreamSettings(endpoint=endpoint)
    with pytest.raises(SourceError, match="another grabber"):
        run_grabber(SimulatedCameraSettings(), settings, SystemClock(), threading.Event())
    collect(source, ledger, lambda: source.statistics.received > 10)


def test_another_policy_at_the_grabber_is_said(
    endpoint: str, start: Start, connect: Callable[[str], FrameSource]
) -> None:
    start("stream_grabber.py", endpoint, "latest", 100, 0, 64)
    source = connect("lossless")
    with pytest.raises(SourceError, match="policy 'latest'"):
        collect(source, Ledger(), lambda: False, limit_s=10)


def test_an_absent_grabber_is_silent_once(connect: Callable[[str], FrameSource]) -> None:
    source = connect("latest")
    ledger = Ledger()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        received = source.next(0.1)
        if received is not None:
            ledger.enter(received)
    assert [notice.kind for notice in ledger.notices] == [NoticeKind.STREAM_SILENT]
