"""When an image was taken: each place alone, and their order."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from pydantic import ValidationError

from monitor.clock import Instant
from monitor.errors import SourceError
from monitor.footage import CaptureTimes, NoTimeError, list_images, natural_key, read_timestamps
from monitor.frame import TimeSource
from monitor.settings.camera import NamePattern, TimeOrder, TimeReading

GREY = np.zeros((4, 5), np.uint8)
TAKEN = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
BASE = Instant(0)


def jpeg(original: str = "", fraction: str = "", offset: str = "") -> bytes:
    exif = PillowImage.Exif()
    block = exif.get_ifd(0x8769)
    for tag, value in ((0x9003, original), (0x9291, fraction), (0x9011, offset)):
        if value:
            block[tag] = value
    buffer = io.BytesIO()
    PillowImage.fromarray(GREY).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def tiff(stamp: str | None) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, GREY, datetime=stamp)
    return buffer.getvalue()


def seconds(moment: Instant) -> float:
    return (moment.utc_ns - round(TAKEN.timestamp()) * 10**9) / 1e9


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (jpeg("2026:03:01 12:30:15"), 0.0),
        (jpeg("2026:03:01 12:30:15", "25"), 0.25),
        (jpeg("2026:03:01 14:30:15", offset="+02:00"), 0.0),
        (tiff("2026:03:01 12:30:15"), 0.0),
        (jpeg(), None),
        (jpeg("0000:00:00 00:00:00"), None),
        (jpeg("yesterday"), None),
        (tiff(None), None),
        (b"", None),
        (b"\xff\xd8\xff\xe1\x00\x10Exif\0\0junkjunk", None),
    ],
)
def test_image_tags(data: bytes, expected: float | None) -> None:
    times = CaptureTimes(TimeReading(order=(TimeOrder.IMAGE_TAG,)), {}, BASE)
    if expected is None:
        with pytest.raises(NoTimeError, match=r"a\.jpg"):
            times.of("a.jpg", data, 0)
    else:
        known = times.of("a.jpg", data, 0)
        assert seconds(known.captured) == pytest.approx(expected)
        assert known.source is TimeSource.IMAGE_TAG


def test_a_tag_without_zone_is_read_in_the_stated_one() -> None:
    times = CaptureTimes(TimeReading(order=(TimeOrder.IMAGE_TAG,), time_zone="Europe/Berlin"), {}, BASE)
    assert seconds(times.of("a.jpg", jpeg("2026:03:01 13:30:15"), 0).captured) == 0


@pytest.mark.parametrize(
    ("name", "utc_s"),
    [
        ("f03_t16s.png", 16),
        ("t0.5s.png", 0.5),
        ("img_2026-03-01T12-30-15.tif", TAKEN.timestamp()),
        ("img_2026-03-01_12:30:15.250.tif", TAKEN.timestamp() + 0.25),
        ("20260301_123015.png", TAKEN.timestamp()),
        ("20260301123015-4.png", TAKEN.timestamp()),
        ("frame_0012.png", None),
        ("20261301_123015.png", None),
        ("cat3s.png", None),
        ("120260301123015.png", None),
    ],
)
def test_default_name_patterns(name: str, utc_s: float | None) -> None:
    times = CaptureTimes(TimeReading(order=(TimeOrder.FILE_NAME,)), {}, BASE)
    if utc_s is None:
        with pytest.raises(NoTimeError):
            times.of(name, b"", 0)
    else:
        assert times.of(name, b"", 0).captured.utc_ns == pytest.approx(utc_s * 1e9)


def test_own_name_patterns() -> None:
    patterns = (
        NamePattern(pattern=r"(?P<hours>\d+)h(?P<minutes>\d+)m"),
        NamePattern(pattern=r"(?P<stamp>\d\d\.\d\d\.\d{4})", format="%d.%m.%Y"),
    )
    times = CaptureTimes(TimeReading(order=(TimeOrder.FILE_NAME,), name_patterns=patterns), {}, BASE)
    assert times.of("x_1h30m.png", b"", 0).captured.utc_ns == 5400 * 10**9
    assert times.of("x_01.03.2026.png", b"", 0).captured.utc.isoformat() == "2026-03-01T00:00:00+00:00"


@pytest.mark.parametrize("pattern", ["(", r"(\d+)", r"(?P<days>\d+)"])
def test_a_pattern_without_a_time_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match=r"pattern|regular"):
        NamePattern(pattern=pattern)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        TimeReading(time_zone="Mars/Olympus")


def test_the_first_place_that_knows_serves_the_session() -> None:
    times = CaptureTimes(TimeReading(), {}, BASE)
    assert times.of("f_t16s.png", b"", 99).source is TimeSource.FILE_NAME
    with pytest.raises(NoTimeError, match="file_name"):
        times.of("f.png", b"", 99)


def test_the_stated_order_is_kept() -> None:
    data = jpeg("2026:03:01 12:30:15")
    for order, expected in (
        ((TimeOrder.FILE_NAME, TimeOrder.IMAGE_TAG), TimeSource.FILE_NAME),
        ((TimeOrder.IMAGE_TAG, TimeOrder.FILE_NAME), TimeSource.IMAGE_TAG),
        ((TimeOrder.TIMESTAMPS_FILE, TimeOrder.IMAGE_TAG), TimeSource.TIMESTAMPS_FILE),
        ((TimeOrder.FILE_TIME,), TimeSource.FILE_TIME),
    ):
        times = CaptureTimes(TimeReading(order=order), {"f_t16s.jpg": 3.0}, BASE)
        assert times.of("f_t16s.jpg", data, 5).source is expected


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "nothing"),
        ("name,time\na.png,1\n", "file,seconds"),
        ("file,seconds\n", "no lines"),
        ("file,seconds\na.png\n", "line 2 .* 1 cells"),
        ("file,seconds\na.png,soon\n", "line 2"),
        ("file,seconds\na.png,nan\n", "line 2"),
        ("file,seconds\na.png,1e300\n", "line 2"),
        ("file,seconds\n,1\n", "line 2"),
        ("file,seconds\na.png,1\na.png,2\n", "second time"),
        ("file,seconds\na.png,1\nb.png,1\n", "increase"),
        ("file,seconds\na.png,1\nc.png,2\n", "no such file"),
        ('file,seconds\n"a.png,1\n', "CSV"),
        ("file,seconds\na\x00.png,1\n", "no such file|CSV"),
    ],
)
def test_timestamps_that_do_not_fit(text: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / "timestamps.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=match):
        read_timestamps(path, {"a.png", "b.png"})


def test_timestamps_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "timestamps.csv"
    path.write_bytes(b"\xef\xbb\xbffile,seconds\r\na.png,-1.5\r\n\r\nb.png, 2\r\n")
    assert read_timestamps(path, {"a.png", "b.png", "c.png"}) == {"a.png": -1.5, "b.png": 2.0}
    with pytest.raises(SourceError, match="cannot be read"):
        read_timestamps(tmp_path / "absent.csv")
    path.write_bytes(b"file,seconds\n\xff.png,1\n")
    with pytest.raises(SourceError, match="UTF-8"):
        read_timestamps(path)


def test_names_in_natural_order(tmp_path: Path) -> None:
    names = ["f10.png", "f2.png", "F1.PNG", "a.tif", "10.png", "9.png", "f02.png"]
    assert sorted(names, key=natural_key) == [
        "9.png",
        "10.png",
        "a.tif",
        "F1.PNG",
        "f02.png",
        "f2.png",
        "f10.png",
    ]
    for name in [*names, ".hidden.png", "notes.txt"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert {path.name for path in list_images(tmp_path)} == set(names)
