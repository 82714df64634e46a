"""Where frames wait, and what outlives a killed grabber."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from monitor.clock import Instant
from monitor.errors import SourceError
from monitor.frame import FailedFrame
from monitor.grabber.hold import Grabbed, LatestHold, LosslessHold
from monitor.grabber.session_file import SessionFile
from monitor.settings.stream import StreamSettings
from monitor.wire import MOST_EARLIER_SESSIONS, EarlierSession

SESSION = "a" * 32


def grabbed(index: int) -> Grabbed:
    return Grabbed(FailedFrame(SESSION, index, Instant(0), "none"), 0)


def index_after(hold: LatestHold | LosslessHold, index: int) -> int | None:
    found = hold.after(index)
    return found.frame.frame_index if found is not None else None


def test_latest_keeps_the_newest_alone() -> None:
    hold = LatestHold()
    assert hold.drained()
    for index in range(5):
        assert hold.put(grabbed(index))
    assert index_after(hold, -1) == 4
    assert not hold.drained()
    assert index_after(hold, 4) is None
    assert hold.drained()
    hold.put(grabbed(5))
    hold.drop(4)
    assert index_after(hold, 4) == 5, "another frame is not dropped"
    hold.drop(5)
    assert index_after(hold, 4) is None
    hold.close()
    assert not hold.put(grabbed(6))


def test_lossless_keeps_all_until_they_are_acknowledged() -> None:
    hold = LosslessHold(depth=2)
    for index in range(2):
        hold.put(grabbed(index))
    assert index_after(hold, -1) == 0
    assert index_after(hold, -1) == 0, "asked again, it is there again"
    assert index_after(hold, 0) == 1
    hold.drop(1)
    assert hold.drained()


def test_a_full_hold_makes_the_camera_wait() -> None:
    hold = LosslessHold(depth=1)
    hold.put(grabbed(0))
    done: list[bool] = []
    camera = threading.Thread(target=lambda: done.append(hold.put(grabbed(1))))
    camera.start()
    time.sleep(0.1)
    assert not done, "the control: it waits"
    assert index_after(hold, 0) in (None, 1)
    camera.join(timeout=5)
    assert done == [True]
    camera = threading.Thread(target=lambda: done.append(hold.put(grabbed(2))))
    camera.start()
    time.sleep(0.05)
    hold.close()
    camera.join(timeout=5)
    assert done == [True, False]
    assert index_after(hold, 1) == 2, "a frame that has its number is kept"


def test_the_session_file_remembers(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/f.ipc"
    for number in range(MOST_EARLIER_SESSIONS + 4):
        with SessionFile(StreamSettings(endpoint=endpoint)) as file:
            expected = [EarlierSession(f"{earlier:032x}", 10 * earlier) for earlier in range(number)]
            assert list(file.earlier) == expected[::-1][:MOST_EARLIER_SESSIONS]
            file.begin(f"{number:032x}")
            file.advance(f"{number:032x}", 10 * number)


def test_a_damaged_session_file_is_no_obstacle(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/f.ipc"
    path = tmp_path / "f.ipc.session"
    for junk in (b"", b"x" * 5, b"\xff" * 680, b"\xff" * 10_000):
        path.write_bytes(junk)
        with SessionFile(StreamSettings(endpoint=endpoint)) as file:
            assert file.earlier == ()
            file.begin(SESSION)
    with SessionFile(StreamSettings(endpoint=endpoint)) as file:
        assert file.earlier == (EarlierSession(SESSION, -1),)


def test_the_endpoint_has_one_grabber(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/f.ipc"
    with SessionFile(StreamSettings(endpoint=endpoint)), pytest.raises(SourceError, match="another grabber"):
        SessionFile(StreamSettings(endpoint=endpoint))
    SessionFile(StreamSettings(endpoint=endpoint)).close()
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="create it"):
        SessionFile(StreamSettings(endpoint=f"ipc://{tmp_path}/file/f.ipc"))
