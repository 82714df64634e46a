"""`VideoDeviceCamera`: a device or network stream through OpenCV, drained so that it never lags."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import cv2

from monitor.camera.pace import Pace
from monitor.camera.protocol import CameraDescription
from monitor.clock import Clock, Instant
from monitor.errors import CameraError
from monitor.footage.video import as_image
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.settings.camera import VideoCameraSettings

_WAIT_S = 0.1
_NETWORK_PATIENCE_MS = 4000


class Capture(Protocol):
    """The part of cv2.VideoCapture that is used."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Whether it can be read."""

    def read(self) -> tuple[bool, Any]:
        """The next picture, or False."""

    def set(self, property_id: int, value: float, /) -> bool:
        """Ask for a property."""

    def release(self) -> None:
        """Close it."""


class _Drain:
    """Reads a capture on its own thread as fast as it gives, and keeps the newest picture alone."""

    def __init__(self, capture: Capture, clock: Clock, first_index: int) -> None:
        self._capture = capture
        self._clock = clock
        self._changed = threading.Condition()
        self._newest: tuple[int, Instant, Any] | None = None
        self._next_index = first_index
        self._ended = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="video drain", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread still runs, perhaps stuck in the driver."""
        return self._thread.is_alive()

    @property
    def next_index(self) -> int:
        """Sequence number of the picture after the newest."""
        with self._changed:
            return self._next_index

    def take(self, timeout_s: float) -> tuple[int, Instant, Any] | None:
        """The newest picture that was not taken, with number and time; None after `timeout_s`. Raises
        EOFError."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._ended, timeout_s)
            newest, self._newest = self._newest, None
            if newest is None and self._ended:
                raise EOFError
            return newest

    def stop(self) -> None:
        """Ask the thread to end, and wait for a moment."""
        self._stopping = True
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            while not self._stopping:
                whole, picture = self._capture.read()
                if not whole:
                    break
                captured = self._clock.now()
                with self._changed:
                    self._newest = (self._next_index, captured, picture)
                    self._next_index += 1
                    self._changed.notify_all()
        finally:
            # Only this thread releases: OpenCV crashes where a capture is released while it is read.
            self._capture.release()
            with self._changed:
                self._ended = True
                self._changed.notify_all()


class VideoDeviceCamera:
    """A live camera. Pictures that came while the last one was being handed on are counted, by gaps in
    their numbers."""

    def __init__(
        self,
        settings: VideoCameraSettings,
        clock: Clock,
        open_capture: Callable[[int | str], Capture] | None = None,
    ) -> None:
        """`open_capture`: opens the device or address; OpenCV's own unless another driver is to be used."""
        self._settings = settings
        self._clock = clock
        self._open_capture = open_capture or _open_with_opencv
        self._pace = Pace(clock, settings.frames_per_s)
        self._session = ""
        self._next_index = 0
        self._drain: _Drain | None = None

    def open(self, session: str) -> None:
        """See `Camera`. Raises CameraError where the device does not answer, or still hangs from before."""
        if self._drain is not None and self._drain.alive:
            raise CameraError(
                f"the driver of {self.describe().name} hangs: unplug the camera and plug it in again"
            )
        self._pace.restart()
        if session != self._session:
            self._session, self._next_index = session, 0
        capture = self._open_capture(self._settings.source)
        if not capture.isOpened():
            capture.release()
            raise CameraError(
                f"{self.describe().name} cannot be opened: check the cable, the number or address in "
                f"camera.source, "
                "and that no other program uses it"
            )
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if self._settings.width_px is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._settings.width_px)
        if self._settings.height_px is not None:
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._settings.height_px)
        self._drain = _Drain(capture, self._clock, self._next_index)

    def frames(self) -> Iterator[Frame | FailedFrame]:
        """See `Camera`. Raises CameraError where it ends or gives nothing for `silence_s`."""
        drain = self._drain
        assert drain is not None, "open comes before frames"
        while self._pace.wait_turn():
            try:
                taken = self._take(drain)
            finally:
                self._next_index = drain.next_index
            if taken is None:
                return
            index, captured, picture = taken
            yield Frame(
                image=as_image(picture),
                session=self._session,
                frame_index=index,
                captured=captured,
                time_source=TimeSource.CAMERA,
                um_per_px=self._settings.um_per_px,
                field=self._settings.field,
                camera=self.describe().name,
            )

    def _take(self, drain: _Drain) -> tuple[int, Instant, Any] | None:
        """The next picture; None where it was closed. Raises CameraError."""
        begun = self._clock.now()
        while not self._pace.is_stopped():
            try:
                taken = drain.take(_WAIT_S)
            except EOFError:
                if self._pace.is_stopped():
                    return None
                raise CameraError(
                    f"{self.describe().name} gives no more pictures: check cable and power"
                ) from None
            if taken is not None:
                return taken
            if self._clock.now().seconds_since(begun) > self._settings.silence_s:
                raise CameraError(
                    f"{self.describe().name} gave no picture for {self._settings.silence_s:g} s: "
                    "check cable and power"
                )
        return None

    def close(self) -> None:
        """See `Camera`."""
        self._pace.stop()
        if self._drain is not None:
            self._drain.stop()

    def describe(self) -> CameraDescription:
        """See `Camera`."""
        source = self._settings.source
        name = (
            f"video device {source}"
            if isinstance(source, int)
            else f"video stream {_without_password(source)}"
        )
        return CameraDescription(name=name, live=True)


def _open_with_opencv(source: int | str) -> Capture:
    if isinstance(source, int) or "://" not in source:
        return cv2.VideoCapture(source)
    # FFmpeg's own patience is half a minute, in which nothing can stop it.
    return cv2.VideoCapture(source, cv2.CAP_FFMPEG, [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _NETWORK_PATIENCE_MS])


def _without_password(address: str) -> str:
    """The address without user and password: it is stored in every run's row."""
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + separator + host.rpartition("@")[2] + slash + path
