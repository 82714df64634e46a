"""The frame archive: key frames and masks, lossless, within a budget."""

from monitor.archive.frame_archive import FrameArchive, Kept
from monitor.archive.key_frame import KeyFrame, read_key_frame
from monitor.archive.overlay import overlay, overlay_png
from monitor.archive.run_lengths import CroppedMask, crop_masks, paint_masks

__all__ = [
    "CroppedMask",
    "FrameArchive",
    "Kept",
    "KeyFrame",
    "crop_masks",
    "overlay",
    "overlay_png",
    "paint_masks",
    "read_key_frame",
]
