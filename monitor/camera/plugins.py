"""Cameras of other packages, found by their entry points."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from monitor.camera.protocol import Camera
from monitor.clock import Clock
from monitor.errors import SourceError
from monitor.settings.camera import PluginCameraSettings
from monitor.settings.redaction import without_passwords

ENTRY_POINTS = "crystal_monitor.cameras"

CameraFactory = Callable[[PluginCameraSettings, Clock], Camera]
"""What an entry point names: a callable that makes a closed camera from its settings and a clock."""


def load_plugin_camera(settings: PluginCameraSettings, clock: Clock) -> Camera:
    """The camera that is registered under `settings.name`.

    Raises SourceError where there is none of that name, where its package does not import, or where it is no
    camera.
    """
    found = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    entry = found.get(settings.name)
    if entry is None:
        available = ", ".join(sorted(found)) or "none is installed"
        raise SourceError(
            f"there is no camera plugin {without_passwords(settings.name)!r} (available: {available}): correct "
            f"camera.name, or install the package that registers it under the entry points {ENTRY_POINTS}"
        )
    try:
        factory: CameraFactory = entry.load()
    except (ImportError, AttributeError) as error:
        raise SourceError(
            f"the camera plugin {settings.name!r} ({entry.value}) cannot be loaded ({error}): install what "
            f"it needs"
        ) from error
    try:
        camera = factory(settings, clock)
    except TypeError as error:
        raise SourceError(
            f"the camera plugin {settings.name!r} ({entry.value}) cannot be made from (settings, clock): "
            f"{error}"
        ) from error
    if not isinstance(camera, Camera):
        raise SourceError(
            f"the camera plugin {settings.name!r} ({entry.value}) gave a {type(camera).__name__}, which is "
            f"no camera: "
            "it needs open, frames, close and describe"
        )
    return camera
