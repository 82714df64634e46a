"""The frame archive: key frames and masks, lossless, within a budget."""

from monitor.archive.frame_archive import FrameArchive, Kept
from monitor.archive.run_lengths import CroppedMask, crop_masks, paint_masks

__all__ = ["CroppedMask", "FrameArchive", "Kept", "crop_masks", "paint_masks"]
