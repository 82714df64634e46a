"""A station's own things: places, camera, endpoints, secrets, sinks, units."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

from monitor.alerts.sinks import check_sink
from monitor.analysis import DaemonStatus
from monitor.camera import build_camera, is_live
from monitor.clock import Clock
from monitor.errors import CrystalMonitorError, SettingsError, StoreUnusableError, UserError
from monitor.service.doctor.finding import Finding, fail, from_message, ok, warn
from monitor.service.places import wrong_places
from monitor.service.start_check import wrong_experiment
from monitor.service.station_status import StationStatus, Verdict
from monitor.settings.camera import PluginCameraSettings, VideoCameraSettings
from monitor.settings.secrets import entry_name, secrets_in
from monitor.settings.station import StationSettings

_CAMERA_WITHIN_S = 10.0
_SYSTEMD = Path("/run/systemd/system")
_UNIT_WITHIN_S = 10.0


def look_at_station(
    settings: StationSettings, status: StationStatus | None, clock: Clock
) -> Iterator[Finding]:
    """Everything that the settings name, but engine and database. A camera that the daemon has is left alone.

    `status` is None where it cannot be known whether a daemon of these settings runs, which was said before.
    """
    daemon = status.daemon if status is not None else None
    yield from _places(settings)
    if status is not None:
        yield _daemon(status)
    yield _camera(settings, daemon, clock)
    yield from _secrets(settings)
    yield from _sinks(settings)
    yield from _metrics(settings, daemon)
    yield from _units(settings.name)


def _places(settings: StationSettings) -> Iterator[Finding]:
    try:
        wrong = [*wrong_places(settings), *wrong_experiment(settings)]
    except StoreUnusableError as error:
        wrong = [str(error)]
    for message in wrong:
        setting, _, rest = message.partition(": ")
        yield from_message(setting, rest)
    if not wrong:
        yield ok("places", "every folder and file that the settings name is there and may be used")


def _daemon(status: StationStatus) -> Finding:
    if status.verdict is Verdict.DOWN:
        return warn("daemon", status.told_by, "start it, if it should run")
    if status.troubles:
        return fail("daemon", "; ".join(status.troubles), "crystal-monitor status says more")
    return ok("daemon", "is up, and says that all is well")


def _camera(settings: StationSettings, daemon: DaemonStatus | None, clock: Clock) -> Finding:
    """A live camera is opened and closed, in a thread that may hang; others were looked at with the places."""
    camera = settings.camera
    if daemon is not None and daemon.grabber_heard:
        if daemon.camera_running:
            return ok("camera", "gives frames to the daemon")
        return fail("camera", "gives the daemon no frames", camera.where_to_look)
    live = isinstance(camera, PluginCameraSettings) or (
        isinstance(camera, VideoCameraSettings) and is_live(camera.source)
    )
    if not live:
        return ok("camera", f"{camera.kind}: needs no device")
    answers: list[Finding] = []
    thread = threading.Thread(target=lambda: answers.append(_try_camera(settings, clock)), daemon=True)
    thread.start()
    thread.join(_CAMERA_WITHIN_S)
    if not answers:
        return fail(
            "camera",
            f"does not answer within {_CAMERA_WITHIN_S:.0f} s",
            "look at its cable, power and address",
        )
    return answers[0]


def _try_camera(settings: StationSettings, clock: Clock) -> Finding:
    try:
        camera = build_camera(settings.camera, clock)
        camera.open(uuid.uuid4().hex)
        try:
            return ok("camera", f"{camera.describe().name} can be opened")
        finally:
            camera.close()
    except CrystalMonitorError as error:
        return from_message("camera", error)


def _secrets(settings: StationSettings) -> Iterator[Finding]:
    for setting, secret in secrets_in(settings):
        if secret.is_out_of_reach:
            told = f"{secret} is the unit's own, this user cannot look at it"
            yield warn(setting, told, secret.remedy_out_of_reach)
            continue
        try:
            secret.read()
        except SettingsError as error:
            yield from_message(setting, error)
        else:
            yield ok(setting, f"{secret} can be read")


def _sinks(settings: StationSettings) -> Iterator[Finding]:
    for number, sink in enumerate(settings.alerts.sinks):
        check = entry_name("alerts.sinks", number, sink)
        beyond = [secret for _, secret in secrets_in(sink) if secret.is_out_of_reach]
        if beyond:
            told = f"{sink.name} was not looked at: its {beyond[0]} is the unit's own"
            yield warn(check, told, beyond[0].remedy_out_of_reach)
            continue
        try:
            check_sink(sink, settings.name)
        except UserError as error:
            yield from_message(check, error)
        else:
            yield ok(check, f"{sink.name} can be used")
    if not settings.alerts.sinks:
        yield warn("alerts.sinks", "alerts go to nobody", "name a sink; they stand in event_log all the same")


def _metrics(settings: StationSettings, daemon: DaemonStatus | None) -> Iterator[Finding]:
    metrics = settings.metrics
    if not metrics.listen:
        yield ok("metrics", "are off (metrics.listen)")
        return
    if not metrics.on_this_machine_only and metrics.certificate is None:
        yield warn(
            "metrics",
            f"the token for {metrics.listen} travels in the clear",
            "name metrics.certificate and metrics.key, or let the network be encrypted",
        )
    if daemon is None:
        return
    try:
        with socket.create_connection(metrics.address, timeout=2.0):
            yield ok("metrics", f"{metrics.listen} answers")
    except OSError as error:
        yield fail(
            "metrics",
            f"{metrics.listen} does not answer ({error})",
            "start the daemon again with these settings",
        )


def _units(station: str) -> Iterator[Finding]:
    """State of the station's units, where there are any."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not _SYSTEMD.is_dir():
        yield ok("units", "no systemd runs here")
        return
    for unit in (f"crystal-grabber@{station}.service", f"crystal-monitor@{station}.service"):
        shown = _properties(systemctl, unit)
        state, restarts = shown.get("ActiveState", "unknown"), shown.get("NRestarts", "0")
        if shown.get("LoadState") != "loaded":
            yield ok(unit, "is not installed")
        elif "/elsewhere.conf" in shown.get("DropInPaths", ""):
            yield ok(unit, "runs on another machine")
        elif state == "failed":
            yield fail(unit, f"has failed ({shown.get('Result', '')})", f"journalctl -u '{unit}' says why")
        elif state != "active":
            yield warn(unit, f"is {state}", f"systemctl enable --now crystal-monitor@{station}.target")
        elif restarts != "0":
            yield warn(
                unit, f"is active, and was started again {restarts} times", f"journalctl -u '{unit}' says why"
            )
        else:
            yield ok(unit, "is active")


def _properties(systemctl: str, unit: str) -> dict[str, str]:
    wanted = "LoadState,ActiveState,Result,NRestarts,DropInPaths"
    try:
        done = subprocess.run(  # noqa: S603  # our own words, no shell
            [systemctl, "show", "--property", wanted, unit],
            capture_output=True,
            text=True,
            timeout=_UNIT_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
