"""The camera's thread: opens, iterates, reconnects; hands every frame to the hold."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from monitor.camera import Camera
from monitor.clock import Clock
from monitor.errors import CameraError, CrystalMonitorError
from monitor.frame import FailedFrame
from monitor.grabber.frame_check import check_frame
from monitor.grabber.hold import Grabbed, Hold
from monitor.grabber.statistics import GrabberStatistics
from monitor.settings.stream import StreamSettings
from monitor.wire import CameraNotice

_log = logging.getLogger(__name__)

_NOTICES_KEPT = 256
LONGEST_END_S = 5.0
"""A camera that was closed is given so long to end, seconds."""


class Phase(Enum):
    """Where the acquisition stands."""

    RUNNING = auto()
    """The camera gives frames, or is waited for."""
    EXHAUSTED = auto()
    """It has no more frames, or was stopped."""
    BROKEN = auto()
    """It raised what no camera may raise, broke a promise, or the user's mistake showed: see `error`."""


class Acquisition:
    """Runs a camera on a thread of its own.

               CameraError
    running ◀───────────────▶ lost
       │     open, first frame  │
       │ end of frames, stop    │ stop
       ▼                        ▼
          exhausted (or broken: any other error)
    """

    def __init__(
        self,
        *,
        camera: Camera,
        session: str,
        hold: Hold,
        settings: StreamSettings,
        clock: Clock,
        statistics: GrabberStatistics,
        on_index: Callable[[int], None],
        wake: Callable[[], None],
    ) -> None:
        """`on_index` is told every sequence number before the frame is held, `wake` that there is
        something new."""
        self._camera = camera
        self._session = session
        self._hold = hold
        self._settings = settings
        self._clock = clock
        self._statistics = statistics
        self._on_index = on_index
        self._wake = wake
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._notices: deque[CameraNotice] = deque(maxlen=_NOTICES_KEPT)
        self._notice_serial = 0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self.phase = Phase.RUNNING
        self.camera_running = True
        self.error: BaseException | None = None
        self.attempts = 0
        """Attempts to open the camera that came to an end."""
        self.trouble = ""
        """What the camera said last while it was lost; empty while it gives frames."""
        self.handing_over = False
        """Whether the camera's thread waits for room in the hold."""

    def start(self) -> None:
        """Start the thread, which opens the camera: a driver that takes its time must not delay the goodbye.

        A camera that does not answer yet is waited for like one that was lost. A user's mistake is `error`.
        """
        self._thread.start()

    def stop(self) -> None:
        """Close the camera. It has `LONGEST_END_S` to end; harmless when it was stopped already."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._hold.close()
        self._camera.close()

    @property
    def ended(self) -> bool:
        """Whether the camera's thread is at its end."""
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    @property
    def notice_serial(self) -> int:
        """Number of the last notice; 0 before the first."""
        with self._lock:
            return self._notice_serial

    def notice_after(self, serial: int) -> CameraNotice | None:
        """The oldest kept notice with a number above `serial`."""
        with self._lock:
            return next((notice for notice in self._notices if notice.serial > serial), None)

    def _run(self) -> None:
        try:
            self._acquire()
            self.phase = Phase.EXHAUSTED
        except Exception as error:  # noqa: BLE001 - the thread's main: a faulty plugin must end the process loudly
            self.error = error
            self.phase = Phase.BROKEN
        finally:
            self._wake()

    def _acquire(self) -> None:
        try:
            self._camera.open(self._session)
        except CameraError as error:
            self._lose(error)
        finally:
            self.attempts += 1
        if self._stop.is_set():
            # `stop` may have closed the camera before it was open.
            self._camera.close()
        wait_s = self._settings.reconnect_first_s
        while not self._stop.is_set():
            if not self.camera_running:
                opened = self._reopen(wait_s)
                # Until a frame comes: a video that opens and cannot be read is no nearer for having been opened.
                wait_s = min(2 * wait_s, self._settings.reconnect_longest_s)
                if not opened:
                    continue
            try:
                for frame in self._camera.frames():
                    if self._stop.is_set():
                        return
                    check_frame(frame, self._session, self._statistics.newest_index)
                    grabbed = Grabbed(frame, self._now_ns())
                    wait_s = self._settings.reconnect_first_s
                    if not self.camera_running:
                        self._find()
                    self._count(frame.frame_index, failed=isinstance(frame, FailedFrame))
                    self.handing_over = True
                    if not self._hold.put(grabbed):
                        return
                    self.handing_over = False
                    self._wake()
            except CameraError as error:
                self._lose(error)
            else:
                return

    def _reopen(self, wait_s: float) -> bool:
        self._camera.close()
        if self._stop.wait(wait_s):
            return False
        try:
            self._camera.open(self._session)
        except CrystalMonitorError as error:
            if str(error) != self.trouble:  # said once: a camera may be away for weeks
                _log.warning("the camera is still lost: %s", error)
            self.trouble = str(error)
            return False
        finally:
            self.attempts += 1
        if self._stop.is_set():
            # `stop` closed the camera before it was opened again here.
            self._camera.close()
        elif self._camera.describe().back_when_open:
            self._find()
        return True

    def _count(self, index: int, *, failed: bool) -> None:
        self._statistics.grabbed += 1
        self._statistics.failed += failed
        self._statistics.newest_index = index
        self._on_index(index)

    def _lose(self, error: CameraError) -> None:
        if self._stop.is_set():
            return
        if self.camera_running:
            self.camera_running = False
            self._statistics.camera_losses += 1
            self._note(running=False, message=str(error))
        elif str(error) == self.trouble:
            return  # said already
        self.trouble = str(error)
        _log.warning("camera lost: %s", error)

    def _find(self) -> None:
        self.camera_running = True
        self.trouble = ""
        self._note(running=True, message=f"{self._camera.describe().name} is back")
        _log.info("camera back")

    def _note(self, *, running: bool, message: str) -> None:
        with self._lock:
            self._notice_serial += 1
            self._notices.append(CameraNotice(self._notice_serial, running, self._clock.now(), message))
        self._wake()

    def _now_ns(self) -> int:
        boottime_ns = self._clock.now().boottime_ns
        assert boottime_ns is not None, "the grabber's clock must measure CLOCK_BOOTTIME"
        return boottime_ns
