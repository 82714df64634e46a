"""How large a file's images become in memory, told from their headers: before anything is decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from monitor.footage.errors import UnreadableImageError

LARGEST_PAGE_BYTES = 2**30
"""Decoded, one image: as much as the frame stream carries."""
LARGEST_FILE_BYTES = 2**32
"""Decoded, all pages of a file; and the file itself."""
_PNG_HEAD = struct.Struct(">8x4x4sIIBB")
_PNG_SAMPLES = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
_JPEG_FRAME = struct.Struct(">HBHHB")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def check_decoded_bytes(pages: Iterator[int]) -> None:
    """Raise UnreadableImageError where a page, or all pages together, would take more memory than an image may.

    A few megabytes of file can say that they are a hundred gigabytes of pixels.
    """
    total = 0
    for page in pages:
        total += page
        if page > LARGEST_PAGE_BYTES or total > LARGEST_FILE_BYTES:
            raise UnreadableImageError(
                f"the image would take {total / 1e9:.1f} GB in memory; an image may take "
                f"{LARGEST_PAGE_BYTES / 1e9:.1f} GB, all pages of a file {LARGEST_FILE_BYTES / 1e9:.1f} GB: "
                "crop, bin or split it"
            )


def png_bytes(data: bytes) -> int:
    """Decoded size of a PNG by its first part. Raises UnreadableImageError where that is none."""
    try:
        name, width, height, depth, kind = _PNG_HEAD.unpack_from(data)
        samples = _PNG_SAMPLES[kind]
    except (struct.error, KeyError):
        raise UnreadableImageError("the PNG file has no header: it is damaged") from None
    if name != b"IHDR":
        raise UnreadableImageError("the PNG file has no header: it is damaged")
    return int(width) * int(height) * samples * (2 if depth > 8 else 1)


def jpeg_bytes(data: bytes) -> int:
    """Decoded size of a JPEG by its frame header. Raises UnreadableImageError where there is none."""
    position = 2
    while position + 2 + _JPEG_FRAME.size <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _JPEG_ALONE:
            position += 2
        elif marker in _JPEG_FRAMES:
            _, _, height, width, samples = _JPEG_FRAME.unpack_from(data, position + 2)
            return int(width) * int(height) * int(samples)
        else:
            position += 2 + max(2, int.from_bytes(data[position + 2 : position + 4], "big"))
    raise UnreadableImageError("the JPEG file has no frame header: it is damaged")
