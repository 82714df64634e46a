"""A sink that takes nothing is told to the others, and that it is back; pictures come from the frame or the archive."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.analysis import emitting
from monitor.analysis.pictures import FRAMES_HELD, AlertPictures
from monitor.archive import FrameArchive, overlay_png
from monitor.clock import SystemClock
from monitor.records import Alert, AlertKind, AlertNotice
from monitor.settings.delivery import PictureSettings
from monitor.settings.station import StationSettings
from monitor.store import TrailReader
from tests import trail_results as made
from tests.integration.test_hot_path import NeverReturning, RecordingSink, wait_for
from tests.scripted_analysis import Step, frame, scripted


class TextSink(RecordingSink):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def send(self, notice: AlertNotice) -> None:
        super().send(notice)
        self.messages.append(notice.alert.message)


def test_a_sink_in_arrears_is_told_to_the_others_once_and_so_is_its_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emitting, "LOOK_EVERY_S", 0.02)
    rule = {"name": "empty", "kind": "count", "direction": "below", "limit_count": 1}
    settings = StationSettings.model_validate(
        {
            "storage": {"database": f"sqlite:///{tmp_path / 'trails.sqlite'}"},
            "alerts": {"rules": [rule], "delivery": {"overdue_after_s": 0.3}},
        }
    )
    clock, hung, plain = SystemClock(), NeverReturning(), TextSink()

    def more_frames(start: int) -> list[Step]:
        return [frame(start + number, clock.now(), "A1") for number in range(3)]

    def idle_until(said: int) -> Step:
        def wait() -> None:
            wait_for(lambda: parts.emitter_step() or len(plain.messages) >= said)

        return wait

    script: list[Step] = [*more_frames(0), idle_until(2), *more_frames(3), hung.released.set, idle_until(3)]
    with scripted(tmp_path, script, settings=settings, sinks={"hung": hung, "plain": plain}) as parts:
        parts.loop.run(threading.Event())
        with TrailReader(parts.database) as reader:
            told = [
                (row["kind"], row["rule"])
                for row in reader.view("event_log", alert_kind="delivery").records()
            ]
            to_hung = [row["rule"] for row in reader.view("delivery_log", sink="hung").records()]
    assert told == [("alert_raised", "delivery to hung"), ("alert_cleared", "delivery to hung")]
    assert to_hung == ["empty"], "it is not told of itself"
    assert plain.messages[1].startswith("1 alert waits for sink hung, the oldest for ")
    assert plain.messages[2] == "cleared: sink hung takes alerts again, none is overdue"


LABELS = np.zeros((200, 300), np.int32)
LABELS[50:90, 60:120] = 7


def notice(at_s: float, archived: str | None = None) -> AlertNotice:
    alert = Alert("size", AlertKind.SIZE, True, "largest crystal size 51 µm (alert above 50)")
    return AlertNotice(5, 3, "main", made.at(at_s), alert, archived=archived)


def seen(index: int) -> tuple[object, object]:
    image = np.random.default_rng(index).integers(90, 160, (200, 300)).astype(np.uint8)
    one = replace(frame(index, made.at(float(index))), image=image)
    return one, replace(made.result(index), labels_HW=LABELS)


class TestPictures:
    def test_the_frame_in_hand_is_drawn_with_outlines_and_given_up_in_time(self) -> None:
        pictures = AlertPictures(PictureSettings(), None)
        for index in range(FRAMES_HELD + 1):
            pictures.hold(seen(index)[0], 3, seen(index)[1])  # type: ignore[arg-type]
        drawn = pictures.draw(notice(4.0))
        assert drawn is not None
        picture = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (200, 300, 3)
        colourful = picture.max(axis=2).astype(int) - picture.min(axis=2) > 100
        assert colourful[50, 60:120].all(), "the outline"
        assert not colourful[60:80, 70:110].any(), "not the crystal"
        assert pictures.draw(notice(0.0)) is None, "too long ago, and no archive"
        assert pictures.draw(notice(17.0)) is None

    def test_after_a_restart_it_comes_from_the_archive(self, tmp_path: Path) -> None:
        one, result = seen(3)
        archive = FrameArchive(tmp_path, 10_000_000, 0, 0)
        kept = archive.offer(one, 3, 3.0, LABELS, event=True)  # type: ignore[arg-type]
        assert kept.archived is not None
        pictures = AlertPictures(PictureSettings(), tmp_path)
        pictures.hold(one, 3, result)  # type: ignore[arg-type]
        at_once = pictures.draw(notice(3.0))
        assert AlertPictures(PictureSettings(), tmp_path).draw(notice(3.0, kept.archived)) == at_once
        (tmp_path / kept.archived).unlink()
        assert AlertPictures(PictureSettings(), tmp_path).draw(notice(3.0, kept.archived)) is None
        assert AlertPictures(PictureSettings(), tmp_path).draw(notice(3.0, "../../etc/passwd")) is None

    @pytest.mark.parametrize("kind", ["grey8", "grey16", "colour"])
    def test_it_is_made_small_enough(self, kind: str) -> None:
        rng = np.random.default_rng(1)
        image = {
            "grey8": rng.integers(0, 255, (900, 1200)).astype(np.uint8),
            "grey16": rng.integers(0, 60_000, (900, 1200)).astype(np.uint16),
            "colour": rng.integers(0, 255, (900, 1200, 3)).astype(np.uint8),
        }[kind]
        labels_HW = np.zeros((900, 1200), np.int32)
        labels_HW[300:600, 300:700] = 1
        small = overlay_png(image, labels_HW, 600, 60_000)
        assert len(small) <= 60_000, "noise does not compress: it had to be made smaller than asked for"
        assert max(cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR).shape) < 600
        plain = overlay_png(np.full_like(image, 100), None, 600, 60_000)
        assert cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_COLOR).shape == (450, 600, 3)
