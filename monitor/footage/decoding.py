"""A file's bytes as images: PNG, JPEG, TIFF and BMP, 8 or 16 bits, grey or RGB; truncated files are refused."""

from __future__ import annotations

import io
import math
import struct
import zlib
from typing import Any, cast

import cv2
import numpy as np
import tifffile

from monitor.footage.decoded_size import check_decoded_bytes, jpeg_bytes, png_bytes
from monitor.footage.errors import UnreadableImageError
from monitor.frame import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_TIFFS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_BMP = b"BM"
_BMP_HEAD = struct.Struct("<2xI4xIIiiHHI")
_BMP_UNCOMPRESSED = (0, 3)
_LARGEST_SIDE_PX = 65_536
_CHUNK = struct.Struct(">I4s")


def decode_images(data: bytes) -> list[Image]:
    """The images of a file, one per page: (H, W) grey or (H, W, 3) RGB, uint8 or uint16, read-only; alpha is
    dropped.

    Raises UnreadableImageError for what is empty, cut off, of another format or another pixel type.
    """
    if not data:
        raise UnreadableImageError("the file is empty: did the disk fill up while it was written?")
    if data.startswith(_PNG):
        _check_png(data)
        check_decoded_bytes(iter([png_bytes(data)]))
    elif data.startswith(_JPEG):
        # OpenCV fills the missing part of a cut JPEG with grey: it would be measured as if it had been seen.
        if _JPEG_END not in data[-4096:]:
            raise UnreadableImageError("the JPEG file has no end: it was cut off")
        check_decoded_bytes(iter([jpeg_bytes(data)]))
    elif data.startswith(_TIFFS):
        _check_tiff(data)
    elif data.startswith(_BMP):
        _check_bmp(data)
    else:
        raise UnreadableImageError(
            f"the file begins with {data[:8]!r}, it is no PNG, JPEG, TIFF or BMP: save it as one"
        )
    try:
        whole, pages = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableImageError(f"the image cannot be decoded ({error.err}): save it again") from error
    if not whole or not pages:
        raise UnreadableImageError(
            "the image cannot be decoded: it is damaged or compressed in an unusual way"
        )
    return [_as_image(page) for page in pages]


def _as_image(page: Any) -> Image:
    pixels = np.asarray(page)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableImageError(f"the image has pixels of type {pixels.dtype}: save it with 8 or 16 bits")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    elif pixels.ndim == 3 and pixels.shape[2] == 2:
        pixels = pixels[:, :, 0]  # grey with alpha
    elif pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        pixels = pixels[:, :, 2::-1]
    elif pixels.ndim != 2:
        raise UnreadableImageError(f"the image has the shape {pixels.shape}: save it as grey or RGB")
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    return cast(Image, pixels)


def _check_png(data: bytes) -> None:
    """Every chunk whole and its checksum right, up to the end chunk."""
    view = memoryview(data)
    position = len(_PNG)
    while True:
        if position + _CHUNK.size > len(data):
            raise UnreadableImageError("the PNG file has no end: it was cut off")
        length, name = _CHUNK.unpack_from(data, position)
        end = position + _CHUNK.size + length + 4
        if end > len(data):
            raise UnreadableImageError("the PNG file has no end: it was cut off")
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise UnreadableImageError(f"the PNG file is damaged in its part {name!r}: copy or save it again")
        if name == b"acTL":
            raise UnreadableImageError("the PNG file is an animation: save each image as a file of its own")
        if name == b"IEND":
            return
        position = end


def _check_bmp(data: bytes) -> None:
    """All rows lie inside the file; for run lengths, whose rows tell no size, the file is as long as it says."""
    if len(data) < _BMP_HEAD.size:
        raise UnreadableImageError("the BMP file ends in its header: it was cut off")
    size, start, _, width, height, _, bits, compression = _BMP_HEAD.unpack_from(data)
    if not 0 < width <= _LARGEST_SIDE_PX or not 0 < abs(height) <= _LARGEST_SIDE_PX:
        raise UnreadableImageError(f"the BMP file says that it is {width} x {height} px: it is damaged")
    check_decoded_bytes(iter([width * abs(height) * max(3, bits // 8)]))
    row_bytes = (width * bits + 31) // 32 * 4
    needed = start + row_bytes * abs(height) if compression in _BMP_UNCOMPRESSED else size
    if len(data) < needed:
        raise UnreadableImageError("the BMP file ends before its pixels: it was cut off")


def _check_tiff(data: bytes) -> None:
    """Every page's pixels lie inside the file."""
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            pages = list(tiff.pages)
            if not pages:
                raise UnreadableImageError("the TIFF file has no page: it was cut off")
            check_decoded_bytes(math.prod(page.shape) * page.dtype.itemsize for page in pages if page.dtype)
            for page in pages:
                ends = [
                    start + size for start, size in zip(page.dataoffsets, page.databytecounts, strict=False)
                ]
                if not ends or min(page.databytecounts) == 0 or max(ends) > len(data):
                    raise UnreadableImageError("the TIFF file ends before its pixels: it was cut off")
                if max(page.shape) > _LARGEST_SIDE_PX:
                    raise UnreadableImageError(
                        f"the TIFF file's page has the shape {page.shape}: it is damaged"
                    )
    except UnreadableImageError:
        raise
    # tifffile raises whatever its parsing of damaged tags comes to.
    except (
        tifffile.TiffFileError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        struct.error,
        OverflowError,
        ArithmeticError,
        RuntimeError,
        OSError,
        MemoryError,
        AssertionError,
    ) as error:
        raise UnreadableImageError(f"the TIFF file is damaged ({error}): copy or save it again") from error
