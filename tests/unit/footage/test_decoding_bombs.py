"""Files of a few bytes that say they are gigabytes of pixels: refused by their headers, before they are decoded."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.footage.decoding import decode_images
from monitor.footage.errors import UnreadableImageError


def png(width: int, height: int, depth: int = 8, kind: int = 2, extra: bytes = b"") -> bytes:
    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + extra + part(b"IDAT", pixels) + part(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    done, encoded = cv2.imencode(".jpg", np.full((64, 64, 3), 128, np.uint8))
    assert done
    data = bytearray(encoded.tobytes())
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp(width: int, height: int) -> bytes:
    head = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 100, 0, 54, 40, width, height, 1, 24, 1, 0, 0, 0, 0, 0)
    return head + bytes(100)


def tiff(pages: int, side: int) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for _ in range(pages):
            writer.write(np.zeros((side, side), np.uint16), compression="zlib", contiguous=False)
    return file.getvalue()


BOMBS = {
    "png": png(60_000, 60_000),
    "png with 16 bits": png(30_000, 30_000, 16),
    "png of the largest sides": png(2**31 - 1, 2**31 - 1),
    "jpeg": jpeg(65_500, 65_500),
    "bmp": bmp(60_000, 60_000),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused(bomb: str) -> None:
    assert len(BOMBS[bomb]) < 10_000
    with pytest.raises(UnreadableImageError, match="GB in memory"):
        decode_images(BOMBS[bomb])


def test_many_pages_that_are_small_in_the_file_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = tiff(6, 1024)
    assert len(stack) < 100_000
    assert len(decode_images(stack)) == 6, "the control"
    monkeypatch.setattr("monitor.footage.decoded_size.LARGEST_FILE_BYTES", 10_000_000)
    with pytest.raises(UnreadableImageError, match="all pages of a file"):
        decode_images(stack)


def test_an_animation_is_refused() -> None:
    frames = struct.pack(">I", 8) + b"acTL" + struct.pack(">II", 100_000, 0)
    frames += struct.pack(">I", zlib.crc32(frames[4:]))
    with pytest.raises(UnreadableImageError, match="animation"):
        decode_images(png(500, 500, extra=frames))


def test_honest_images_are_read(tmp_path: object) -> None:
    image = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    for suffix in (".png", ".jpg", ".bmp", ".tiff"):
        done, encoded = cv2.imencode(suffix, image)
        assert done
        assert decode_images(encoded.tobytes())[0].shape == (200, 300, 3)


SEEDS = [
    png(40, 40), jpeg(64, 64), bmp(5, 5), tiff(2, 16),
    cv2.imencode(".png", np.zeros((20, 20), np.uint16))[1].tobytes(),
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.none() | st.integers(0, 500),
)
def test_damaged_images_are_read_or_refused_and_nothing_else(
    seed: bytes, changes: list[tuple[int, int]], cut: int | None
) -> None:
    data = bytearray(seed)
    for place, byte in changes:
        data[place % len(data)] = byte
    try:
        images = decode_images(bytes(data[:cut]))
    except UnreadableImageError:
        return
    assert all(image.dtype in (np.uint8, np.uint16) for image in images)
