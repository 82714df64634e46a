"""The grabber's main loop: camera to wire."""

from __future__ import annotations

import logging
import threading
import uuid

import zmq

from monitor.camera import Camera, build_camera
from monitor.clock import NANOSECONDS_PER_SECOND, Clock
from monitor.errors import CameraError, SourceError
from monitor.grabber.acquisition import LONGEST_END_S, Acquisition, Phase
from monitor.grabber.bell import Bell
from monitor.grabber.hold import Hold, make_hold
from monitor.grabber.server import FrameServer, SessionIdentity
from monitor.grabber.session_file import SessionFile
from monitor.grabber.sight import Sight, Watch
from monitor.grabber.statistics import GrabberStatistics
from monitor.journal import about
from monitor.settings.camera import CameraSettings
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.wire import GoodbyeReason

_log = logging.getLogger(__name__)

_LONGEST_TURN_MS = 100
_GOODBYE_LINGER_S = 0.5


def run_grabber(
    camera: CameraSettings,
    stream: StreamSettings,
    clock: Clock,
    stop_event: threading.Event,
    watch: Watch | None = None,
) -> GrabberStatistics:
    """Build the camera and serve its frames until `stop_event` is set or the camera has no more.

    The caller handles signals: on SIGTERM it sets `stop_event`, and this returns within `farewell_s` and a
    second. Raises SourceError for a user's mistake, CameraError where the camera's own code breaks.
    """
    return Grabber(build_camera(camera, clock), stream, clock, watch).run(stop_event)


class Grabber:
    """Serves one camera for one session. A camera that fails is waited for; a listener never is (but for its
    credit under `lossless`, which stops the camera, not the grabber).
    """

    def __init__(
        self, camera: Camera, settings: StreamSettings, clock: Clock, watch: Watch | None = None
    ) -> None:
        """`camera`: closed; the grabber opens and closes it. `watch` is shown every turn of the loop."""
        self._camera = camera
        self._settings = settings
        self._clock = clock
        self._watch: Watch = watch or (lambda _sight: None)
        self.statistics = GrabberStatistics(session=uuid.uuid4().hex)

    def run(self, stop_event: threading.Event) -> GrabberStatistics:
        """One session, from open to goodbye. Raises SourceError, CameraError."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        wake = Bell()
        try:
            with SessionFile(self._settings) as session_file:
                self._serve(context, wake, session_file, stop_event)
        finally:
            context.term()
            wake.close()
        return self.statistics

    def _serve(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        wake: Bell,
        session_file: SessionFile,
        stop_event: threading.Event,
    ) -> None:
        session = self.statistics.session
        hold = make_hold(self._settings)
        acquisition = Acquisition(
            camera=self._camera,
            session=session,
            hold=hold,
            settings=self._settings,
            clock=self._clock,
            statistics=self.statistics,
            on_index=lambda index: session_file.advance(session, index),
            wake=wake.ring,
        )
        identity = SessionIdentity(
            session=session,
            camera=self._camera.describe().name,
            started=self._clock.now(),
            earlier=session_file.earlier,
        )
        server = FrameServer(
            context=context,
            settings=self._settings,
            identity=identity,
            hold=hold,
            acquisition=acquisition,
            clock=self._clock,
            statistics=self.statistics,
        )
        reason = GoodbyeReason.STOPPED
        try:
            session_file.begin(session)
            acquisition.start()
            about(camera=identity.camera)
            _log.info("session %s: %s, policy %s", session, identity.camera, self._settings.policy)
            poller = zmq.Poller()
            for socket in server.sockets:
                poller.register(socket, zmq.POLLIN)
            poller.register(wake.file, zmq.POLLIN)
            while not stop_event.is_set() and acquisition.phase is not Phase.BROKEN:
                self._watch(self._sight(acquisition, identity.camera))
                self._turn(poller, wake, server)
                if (
                    acquisition.phase is Phase.EXHAUSTED
                    and hold.drained()
                    and server.listeners
                    and server.all_told()
                ):
                    reason = GoodbyeReason.EXHAUSTED
                    break
            acquisition.stop()
            self._see_camera_off(poller, wake, server, acquisition)
            self._drain(poller, wake, server, hold)
            self._take_back(server, session_file)
            server.say_goodbye(reason)
        finally:
            acquisition.stop()
            server.close(_GOODBYE_LINGER_S)
        if acquisition.phase is Phase.BROKEN:
            assert acquisition.error is not None
            if isinstance(acquisition.error, SourceError):
                raise acquisition.error
            raise CameraError(
                f"{identity.camera} broke down ({type(acquisition.error).__name__}: {acquisition.error}): "
                "this is a fault in the camera's code, report it with this message"
            ) from acquisition.error

    def _sight(self, acquisition: Acquisition, camera: str) -> Sight:
        return Sight(
            camera=camera,
            frames=self.statistics.grabbed,
            attempts=acquisition.attempts,
            camera_running=acquisition.camera_running,
            trouble=acquisition.trouble,
            may_be_quiet=acquisition.handing_over
            or acquisition.phase is Phase.EXHAUSTED
            or not self._camera.describe().live,
        )

    def _turn(self, poller: zmq.Poller, wake: Bell, server: FrameServer) -> None:
        for ready, _ in poller.poll(_LONGEST_TURN_MS):
            if ready == wake.file:
                wake.silence()
        server.receive()
        server.answer()

    def _see_camera_off(
        self, poller: zmq.Poller, wake: Bell, server: FrameServer, acquisition: Acquisition
    ) -> None:
        """Until the camera has ended its listeners are answered: they would take the grabber for dead."""
        end_ns = self._now_ns() + round(LONGEST_END_S * NANOSECONDS_PER_SECOND)
        while not acquisition.ended:
            if self._now_ns() >= end_ns:
                _log.error(
                    "the camera did not end within %.0f s of being closed; the process ends without it",
                    LONGEST_END_S,
                )
                return
            self._turn(poller, wake, server)

    def _drain(self, poller: zmq.Poller, wake: Bell, server: FrameServer, hold: Hold) -> None:
        """Under `lossless`, give the listener time to take what was read ahead of it."""
        if self._settings.policy is StreamPolicy.LATEST:
            return
        end_ns = self._now_ns() + round(self._settings.farewell_s * NANOSECONDS_PER_SECOND)
        while self._now_ns() < end_ns and server.listeners and not (hold.drained() and server.all_told()):
            self._turn(poller, wake, server)

    def _take_back(self, server: FrameServer, session_file: SessionFile) -> None:
        """What was read ahead and will be read again is no part of this session: it would count as lost."""
        ahead = self.statistics.newest_index - server.done_index
        again = self._settings.policy is StreamPolicy.LOSSLESS and self._camera.describe().brings_again
        if not again or ahead <= 0:
            return
        _log.info(
            "read ahead, and not taken by the analysis before the stop: %d; the next start reads them again",
            ahead,
        )
        self.statistics.newest_index = server.done_index
        session_file.advance(self.statistics.session, server.done_index)

    def _now_ns(self) -> int:
        boottime_ns = self._clock.now().boottime_ns
        assert boottime_ns is not None, "the grabber's clock must measure CLOCK_BOOTTIME"
        return boottime_ns
