"""Image files: every kind that is promised, and every way in which they break."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from monitor.footage import UnreadableImageError, decode_images

GREY = (np.arange(48 * 64, dtype=np.uint32).reshape(48, 64) % 251).astype(np.uint8)
RGB = np.stack([GREY, GREY // 2, 255 - GREY], axis=2)
GREY16 = GREY.astype(np.uint16) * 200 + 7
RGB16 = RGB.astype(np.uint16) * 200 + 7


def written(image: np.ndarray, suffix: str) -> bytes:
    if suffix in (".tif", ".tiff"):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, image, photometric="rgb" if image.ndim == 3 else "minisblack")
        return buffer.getvalue()
    flipped = image[..., ::-1] if image.ndim == 3 else image
    return cv2.imencode(suffix, flipped)[1].tobytes()


@pytest.mark.parametrize("image", [GREY, RGB, GREY16, RGB16], ids=["grey", "rgb", "grey 16", "rgb 16"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_lossless_formats_come_back_as_they_were(image: np.ndarray, suffix: str) -> None:
    (came,) = decode_images(written(image, suffix))
    np.testing.assert_array_equal(came, image)
    assert came.dtype == image.dtype
    assert came.flags.c_contiguous
    assert not came.flags.writeable


@pytest.mark.parametrize(
    "image", [GREY, RGB, GREY[:, :61], RGB[:, :61]], ids=["grey", "rgb", "odd", "odd rgb"]
)
def test_bmp_comes_back_as_it_was_or_not_at_all(image: np.ndarray) -> None:
    data = written(image, ".bmp")
    (came,) = decode_images(data)
    np.testing.assert_array_equal(came, image)
    for length in (2, 20, 40, len(data) // 2, len(data) - 1):
        with pytest.raises(UnreadableImageError, match="cut off"):
            decode_images(data[:length])
    with pytest.raises(UnreadableImageError, match="damaged"):
        decode_images(data[:18] + b"\xff\xff\xff\x7f" + data[22:])


def test_bmp_with_alpha_and_from_another_program() -> None:
    opaque = np.dstack([RGB[..., ::-1], np.full(GREY.shape, 128, np.uint8)])
    with_alpha = cv2.imencode(".bmp", opaque)[1].tobytes()
    np.testing.assert_array_equal(decode_images(with_alpha)[0], RGB)
    for image in (GREY, RGB):
        buffer = io.BytesIO()
        PillowImage.fromarray(image).save(buffer, "BMP")
        np.testing.assert_array_equal(decode_images(buffer.getvalue())[0], image)


@pytest.mark.parametrize("image", [GREY, RGB], ids=["grey", "rgb"])
def test_jpeg_comes_back_nearly(image: np.ndarray) -> None:
    smooth = cv2.GaussianBlur(image, (0, 0), 3)
    (came,) = decode_images(written(smooth, ".jpg"))
    assert came.shape == smooth.shape
    assert abs(came.astype(int) - smooth.astype(int)).mean() < 4


@pytest.mark.parametrize("compression", [5, 8, 32773], ids=["lzw", "deflate", "packbits"])
def test_compressed_tiff(compression: int, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), GREY16, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    np.testing.assert_array_equal(decode_images(path.read_bytes())[0], GREY16)


def test_alpha_is_dropped() -> None:
    opaque = np.dstack([RGB[..., ::-1], np.full(GREY.shape, 128, np.uint8)])
    (came,) = decode_images(cv2.imencode(".png", opaque)[1].tobytes())
    np.testing.assert_array_equal(came, RGB)


def test_a_palette_becomes_colour() -> None:
    buffer = io.BytesIO()
    PillowImage.fromarray(RGB).quantize(8).save(buffer, "PNG")
    (came,) = decode_images(buffer.getvalue())
    assert came.shape == RGB.shape


def test_every_page_of_a_tiff_is_an_image() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.stack([GREY16, GREY16 + 1, GREY16 + 2]), photometric="minisblack")
    pages = decode_images(buffer.getvalue())
    assert [int(page[0, 0] - GREY16[0, 0]) for page in pages] == [0, 1, 2]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_unreadable(suffix: str, kept: float) -> None:
    """OpenCV alone would fill the rest of a cut JPEG with grey and say nothing."""
    data = written(RGB, suffix)
    assert decode_images(data), "the control"
    with pytest.raises(UnreadableImageError):
        decode_images(data[: int(len(data) * kept)])


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 1000, b"GIF89a" + bytes(50), b"<html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0"],
)
def test_what_is_no_image_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        decode_images(data)


def test_floating_point_tiff_is_refused_by_name() -> None:
    with pytest.raises(UnreadableImageError, match="float32"):
        decode_images(written(GREY.astype(np.float32), ".tif"))


@settings(max_examples=150)
@given(st.sampled_from([".png", ".jpg", ".tif"]), st.data())
def test_damage_raises_nothing_but_unreadable(suffix: str, data: st.DataObject) -> None:
    damaged = bytearray(written(GREY, suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(UnreadableImageError):
        decode_images(bytes(damaged))
