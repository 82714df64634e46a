"""Replay: times, order, failures, and the user's mistakes at the start."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.clock import SystemClock
from monitor.errors import SourceError
from monitor.frame import FailedFrame, FailureCause, Frame, TimeSource
from monitor.settings.camera import TimeOrder, TimeReading
from monitor.source import Notice, ReplaySource

CLOCK = SystemClock()


def images(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((8, 9), number, np.uint8))


def frames_of(source: ReplaySource) -> list[Frame | FailedFrame]:
    source.open()
    frames = []
    while (received := source.next(0)) is not None:
        if not isinstance(received.item, Notice):
            frames.append(received.item)
    source.close()
    return frames


def seconds_of(frames: list[Frame | FailedFrame]) -> list[float]:
    return [frame.captured.utc_ns / 1e9 for frame in frames]


def test_an_interval(tmp_path: Path) -> None:
    images(tmp_path, "f2.png", "f10.png", "f1.png")
    frames = frames_of(ReplaySource(tmp_path, CLOCK, interval_s=1.5, um_per_px=0.5, field="B2"))
    assert [frame.source_name for frame in frames] == ["f1.png", "f2.png", "f10.png"]
    assert seconds_of(frames) == [0, 1.5, 3]
    for frame in frames:
        assert isinstance(frame, Frame)
        assert (frame.time_source, frame.um_per_px, frame.field) == (TimeSource.INTERVAL, 0.5, "B2")


def test_a_second_replay_gives_the_same_times(tmp_path: Path) -> None:
    images(tmp_path, "f_t0s.png", "f_t7s.png")
    assert seconds_of(frames_of(ReplaySource(tmp_path, CLOCK))) == [0, 7]
    assert seconds_of(frames_of(ReplaySource(tmp_path, CLOCK))) == [0, 7]


def test_unreadable_images_are_frames_too(tmp_path: Path) -> None:
    images(tmp_path, "a_t0s.png", "b_t1s.png", "c_t2s.png", "d_t3s.png")
    (tmp_path / "a_t0s.png").write_bytes(b"")
    (tmp_path / "c_t2s.png").write_bytes((tmp_path / "c_t2s.png").read_bytes()[:30])
    frames = frames_of(ReplaySource(tmp_path, CLOCK))
    assert [type(frame) for frame in frames] == [FailedFrame, Frame, FailedFrame, Frame]
    assert [frame.frame_index for frame in frames] == [0, 1, 2, 3]
    assert seconds_of(frames)[1:] == [1, 2, 3], "a failed file's time is known from its name"
    by_interval = frames_of(ReplaySource(tmp_path, CLOCK, interval_s=2))
    assert seconds_of(by_interval) == [0, 2, 4, 6]


def test_a_failure_without_a_time_gets_that_of_its_neighbour(tmp_path: Path) -> None:
    images(tmp_path, "b_20261122_100000.png", "d_20261122_100200.png")
    for name in ("a.png", "c.png"):
        (tmp_path / name).write_bytes(b"junk")
    a, b, c, d = frames_of(ReplaySource(tmp_path, CLOCK))
    assert [type(frame) for frame in (a, b, c, d)] == [FailedFrame, Frame, FailedFrame, Frame]
    assert d.captured.seconds_since(b.captured) == 120, "the control"
    assert a.captured == b.captured == c.captured
    assert a.time_source is c.time_source is TimeSource.NEIGHBOUR


def test_a_timestamps_file_wins_and_gaps_in_it_are_said(tmp_path: Path) -> None:
    images(tmp_path, "a_t9s.png", "b_t10s.png", "c_t11s.png")
    stamps = tmp_path / "timestamps.csv"
    stamps.write_text("file,seconds\na_t9s.png,100\nc_t11s.png,130\n")
    frames = frames_of(ReplaySource(tmp_path, CLOCK, timestamps=stamps))
    assert seconds_of([frames[0], frames[2]]) == [100, 130]
    missing = frames[1]
    assert isinstance(missing, FailedFrame)
    assert missing.cause is FailureCause.NO_TIME


def test_files_own_times_are_used_only_when_asked_for(tmp_path: Path) -> None:
    images(tmp_path, "a.png", "b.png")
    with pytest.raises(SourceError, match="--interval-s"):
        ReplaySource(tmp_path, CLOCK).open()
    reading = TimeReading(order=(TimeOrder.FILE_TIME,))
    assert len(frames_of(ReplaySource(tmp_path, CLOCK, reading=reading))) == 2


def test_mistakes_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no images"):
        ReplaySource(tmp_path, CLOCK, interval_s=1).open()
    with pytest.raises(SourceError, match="absent"):
        ReplaySource(tmp_path / "absent", CLOCK).open()
    images(tmp_path, "a_t1s.png")
    for interval_s in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SourceError, match="interval"):
            ReplaySource(tmp_path, CLOCK, interval_s=interval_s).open()
    with pytest.raises(SourceError, match="both"):
        ReplaySource(tmp_path, CLOCK, interval_s=1, timestamps=tmp_path / "t.csv").open()
    with pytest.raises(SourceError, match="cannot be read"):
        ReplaySource(tmp_path, CLOCK, timestamps=tmp_path / "t.csv").open()
    junk = tmp_path / "junk.avi"
    junk.write_bytes(b"no video")
    with pytest.raises(SourceError, match="cannot be read as a video"):
        ReplaySource(junk, CLOCK).open()


@pytest.mark.parametrize("name", ["notes.txt", "notes", "times.csv", "art.ans", ".avi"])
def test_what_is_no_video_by_its_name_is_not_played(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("added 10 µl of precipitant\n" * 500)
    with pytest.raises(
        SourceError, match="no video by its name: name a folder of images, or a file that ends in"
    ):
        ReplaySource(path, CLOCK).open()


def test_one_image_is_no_video(tmp_path: Path) -> None:
    images(tmp_path, "f1.png", "f2.bmp")
    for name in ("f1.png", "f2.bmp"):
        with pytest.raises(SourceError, match="one image file and no video: name the folder"):
            ReplaySource(tmp_path / name, CLOCK).open()
    frames = frames_of(ReplaySource(tmp_path, CLOCK, interval_s=1))
    assert [frame.source_name for frame in frames if isinstance(frame, Frame)] == ["f1.png", "f2.bmp"]


def test_real_frames_with_their_timestamps(shared_data: Path) -> None:
    folder = shared_data / "film-growth"
    frames = frames_of(ReplaySource(folder / "frames", CLOCK, timestamps=folder / "timestamps.csv"))
    assert seconds_of(frames) == [0, 6, 10, 16, 22, 28, 32, 38, 42, 48, 52, 58, 64]
    assert all(isinstance(frame, Frame) and frame.image.shape == (303, 288) for frame in frames)


def test_real_frames_of_all_kinds(shared_data: Path) -> None:
    for name, count in (("ice-coarsening/frames", 32), ("suspension/frames", 7), ("drops", 8)):
        frames = frames_of(ReplaySource(shared_data / name, CLOCK, interval_s=1))
        assert len(frames) == count
        assert all(isinstance(frame, Frame) for frame in frames)
