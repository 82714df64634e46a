"""Images and videos on disk: in order, complete or not, decoded, and when each was taken."""

from monitor.footage.capture_times import CaptureTimes, KnownTime
from monitor.footage.decoding import decode_images
from monitor.footage.errors import NoTimeError, UnreadableImageError
from monitor.footage.listing import IMAGE_SUFFIXES, is_image_name, list_images, natural_key
from monitor.footage.neighbour_times import NeighbourTimes
from monitor.footage.stills import Still, StillReader
from monitor.footage.timestamps import read_timestamps
from monitor.footage.video import VIDEO_SUFFIXES, VideoPicture, check_video_file, read_video

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "CaptureTimes",
    "KnownTime",
    "NeighbourTimes",
    "NoTimeError",
    "Still",
    "StillReader",
    "UnreadableImageError",
    "VideoPicture",
    "check_video_file",
    "decode_images",
    "is_image_name",
    "list_images",
    "natural_key",
    "read_timestamps",
    "read_video",
]
