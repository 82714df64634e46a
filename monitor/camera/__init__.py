"""Cameras: the simulated microscope, a watched folder, video, and those of other packages."""

from monitor.camera.building import build_camera, is_live
from monitor.camera.folder import FolderCamera
from monitor.camera.plugins import load_plugin_camera
from monitor.camera.protocol import Camera, CameraDescription
from monitor.camera.simulated import SimulatedCamera, simulation_of
from monitor.camera.video_device import VideoDeviceCamera
from monitor.camera.video_file import VideoFileCamera

__all__ = [
    "Camera",
    "CameraDescription",
    "FolderCamera",
    "SimulatedCamera",
    "VideoDeviceCamera",
    "VideoFileCamera",
    "build_camera",
    "is_live",
    "load_plugin_camera",
    "simulation_of",
]
