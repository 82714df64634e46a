"""The archive on a real disk: lossless, within its budget, and harmless when the disk is full."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from monitor.archive import CroppedMask, FrameArchive, paint_masks
from monitor.clock import Instant
from monitor.errors import SettingsError
from monitor.frame import Frame, TimeSource
from tests.small_disk import mounted_disk

SESSION = "cd" * 16


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with mounted_disk(megabytes=2) as folder:
        yield folder


def frame(index: int, image: Any = None, **changes: Any) -> Frame:
    if image is None:
        image = np.random.default_rng(index).integers(0, 255, (40, 50), np.uint8)
    image.flags.writeable = False
    captured = Instant((1_790_000_000 + index) * 10**9)
    return Frame(image, SESSION, index, captured, TimeSource.CAMERA, **changes)


def archive(folder: Path, **changes: Any) -> FrameArchive:
    settings: dict[str, Any] = {"budget_bytes": 10_000_000, "every_s": 10.0, "frames_before": 2}
    return FrameArchive(folder, **(settings | changes))


@pytest.mark.parametrize(
    "image",
    [
        np.random.default_rng(1).integers(0, 255, (31, 17), np.uint8),
        np.random.default_rng(2).integers(0, 65_535, (31, 17), np.uint16),
        np.random.default_rng(3).integers(0, 255, (31, 17, 3), np.uint8),
        np.random.default_rng(4).integers(0, 65_535, (31, 17, 3), np.uint16),
    ],
    ids=["grey 8", "grey 16", "colour 8", "colour 16"],
)
def test_a_frame_is_kept_without_loss(tmp_path: Path, image: np.ndarray) -> None:
    kept = archive(tmp_path).offer(frame(0, image), 1, 0.0, None, event=True)
    assert kept.archived is not None
    read = cv2.imread(str(tmp_path / kept.archived), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read if image.ndim == 2 else read[..., ::-1], image)


def test_masks_stand_beside_the_frame(tmp_path: Path) -> None:
    labels_HW = np.zeros((40, 50), np.int32)
    labels_HW[3:9, 4:20] = 2
    labels_HW[10:30, 30:44] = 5
    kept = archive(tmp_path).offer(frame(0, um_per_px=0.5), 1, 0.0, labels_HW, event=True)
    assert kept.archived is not None
    described = json.loads((tmp_path / kept.archived).with_suffix(".json").read_text())
    masks = [
        CroppedMask(one["crystal_id"], tuple(one["bbox_xywh_px"]), tuple(one["counts"]))
        for one in described["crystals"]
    ]
    assert np.array_equal(paint_masks(masks, described["height"], described["width"]), labels_HW)
    assert described["um_per_px"] == 0.5


def test_routine_frames_and_those_before_an_event(tmp_path: Path) -> None:
    kept = archive(tmp_path)
    names = [kept.offer(frame(index), 1, float(index), None, event=False).archived for index in range(15)]
    assert [index for index, name in enumerate(names) if name] == [0, 10]
    event = kept.offer(frame(15), 1, 15.0, None, event=True)
    assert event.archived is not None
    assert event.archived.startswith("run-1/main/")
    assert event.archived.endswith("-event.png")
    assert [one.frame_index for one in event.archived_before] == [13, 14]
    assert all((tmp_path / one.name).is_file() for one in event.archived_before)
    again = kept.offer(frame(16), 1, 16.0, None, event=True)
    assert again.archived_before == (), "no frame is kept twice"


def test_the_budget_holds_and_the_oldest_routine_frames_go_first(tmp_path: Path) -> None:
    one = archive(tmp_path / "one", every_s=1.0)
    one.offer(frame(0), 1, 0.0, None, event=True)
    each = one.used_bytes
    kept = archive(tmp_path / "kept", every_s=1.0, budget_bytes=4 * each + each // 2)
    names = [kept.offer(frame(index), 1, float(index), None, event=index == 1) for index in range(8)]
    dropped = [name for result in names for name in result.archive_dropped]
    assert dropped == [names[index].archived for index in (0, 2, 3, 4)], "the event of frame 1 stays"
    left = sorted(path.name for path in (tmp_path / "kept" / "run-1").rglob("*.png"))
    assert len(left) == 4
    restarted = archive(tmp_path / "kept", every_s=1.0, budget_bytes=4 * each + each // 2)
    assert restarted.used_bytes == kept.used_bytes
    assert len(restarted.offer(frame(9), 1, 9.0, None, event=True).archive_dropped) >= 1


def test_a_full_disk_is_counted_and_over_when_there_is_room(
    small_disk: Path,
) -> None:
    kept = archive(small_disk, every_s=0.001)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    kept_before_full = 0
    for index in range(100):
        if kept.offer(frame(index), 1, float(index), None, event=False).archived is None:
            break
        kept_before_full += 1
    assert kept_before_full > 0, "the control: there was room at first"
    assert kept.failures == 1
    assert list(small_disk.rglob("*.part")) == []
    ballast.unlink()
    assert kept.offer(frame(200), 1, 200.0, None, event=True).archived is not None


def test_a_frame_larger_than_the_budget_is_not_kept(tmp_path: Path) -> None:
    kept = archive(tmp_path, budget_bytes=100)
    assert kept.offer(frame(0), 1, 0.0, None, event=True).archived is None
    assert kept.failures == 1


def test_a_field_s_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    kept = archive(tmp_path / "archive").offer(frame(0, field="../../up"), 1, 0.0, None, event=True)
    assert kept.archived is not None
    assert (tmp_path / "archive" / kept.archived).resolve().is_relative_to(tmp_path / "archive" / "run-1")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match=r"storage\.archive\.folder"):
        archive(tmp_path / "file" / "archive")
