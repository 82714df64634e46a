"""The time of capture in an image's own tags: EXIF DateTimeOriginal, or the TIFF tag DateTime."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta, tzinfo

from PIL import Image as PillowImage

_EXIF_BLOCK = 0x8769
_DATE_TIME = 306
_ORIGINAL, _ORIGINAL_FRACTION, _ORIGINAL_OFFSET = 0x9003, 0x9291, 0x9011
_FORMAT = "%Y:%m:%d %H:%M:%S"


def read_tag_time(data: bytes, zone: tzinfo) -> datetime | None:
    """When the file's tags say that it was taken, aware; None where they say nothing usable.

    The original's own offset from UTC counts where it is stated, `zone` where not.
    """
    try:
        with PillowImage.open(io.BytesIO(data)) as image:
            tags = image.getexif()
            original = tags.get_ifd(_EXIF_BLOCK)
            stamp = original.get(_ORIGINAL) or tags.get(_DATE_TIME)
            fraction = original.get(_ORIGINAL_FRACTION) if original.get(_ORIGINAL) else None
            offset = original.get(_ORIGINAL_OFFSET) if original.get(_ORIGINAL) else None
    # Pillow raises whatever its parsing of damaged tags comes to; such tags tell no time.
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        SyntaxError,
        struct.error,
        PillowImage.DecompressionBombError,
    ):
        return None
    moment = _parse(stamp)
    if moment is None:
        return None
    digits = str(fraction).strip(" \0") if fraction is not None else ""
    if digits.isdecimal():
        moment += timedelta(seconds=float("0." + digits))
    return moment.replace(tzinfo=_offset(offset) or zone)


def _parse(stamp: object) -> datetime | None:
    if not isinstance(stamp, str):
        return None
    try:
        return datetime.strptime(stamp.strip(" \0"), _FORMAT)
    except ValueError:
        return None


def _offset(offset: object) -> tzinfo | None:
    if not isinstance(offset, str):
        return None
    try:
        return datetime.strptime(offset.strip(" \0"), "%z").tzinfo or UTC
    except ValueError:
        return None
