"""From settings to a camera."""

from __future__ import annotations

from typing import assert_never

from monitor.camera.folder import FolderCamera
from monitor.camera.plugins import load_plugin_camera
from monitor.camera.protocol import Camera
from monitor.camera.simulated import SimulatedCamera
from monitor.camera.video_device import VideoDeviceCamera
from monitor.camera.video_file import VideoFileCamera
from monitor.clock import Clock
from monitor.settings.camera import (
    CameraSettings,
    FolderCameraSettings,
    PluginCameraSettings,
    SimulatedCameraSettings,
    VideoCameraSettings,
)

_DEVICE_FILES = "/dev/"


def build_camera(settings: CameraSettings, clock: Clock) -> Camera:
    """The camera that the settings describe, closed. Raises SourceError for an unknown plugin."""
    match settings:
        case SimulatedCameraSettings():
            return SimulatedCamera(settings, clock)
        case FolderCameraSettings():
            return FolderCamera(settings, clock)
        case VideoCameraSettings():
            if is_live(settings.source):
                return VideoDeviceCamera(settings, clock)
            return VideoFileCamera(settings, clock)
        case PluginCameraSettings():
            return load_plugin_camera(settings, clock)
        case _:
            assert_never(settings)


def is_live(source: int | str) -> bool:
    """Whether a video source is a device or a network stream rather than a file."""
    return isinstance(source, int) or "://" in source or source.startswith(_DEVICE_FILES)
