"""Pictures for alerts: the frame in hand while it is at hand, else the key frame in the archive."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from monitor.archive import KeyFrame, overlay_png, read_key_frame
from monitor.frame import Frame
from monitor.records import AlertNotice, FrameResult
from monitor.settings.delivery import PictureSettings

log = logging.getLogger(__name__)

FRAMES_HELD = 4
"""So many frames with alerts are kept in memory, as they are; older ones are in the archive or have no picture."""

_Moment = tuple[int, str, datetime]


class AlertPictures:
    """`hold` belongs to the loop's thread and costs nothing; `draw` runs in the couriers' threads, one at a time."""

    def __init__(self, settings: PictureSettings, archive_folder: Path | None) -> None:
        """`archive_folder`: None where no frames are archived."""
        self._settings = settings
        self._folder = archive_folder
        self._held: OrderedDict[_Moment, KeyFrame] = OrderedDict()
        self._drawn: OrderedDict[_Moment, bytes] = OrderedDict()
        self._changing = threading.Lock()
        self._drawing = threading.Lock()

    def hold(self, frame: Frame, run_id: int, result: FrameResult) -> None:
        """Keep a frame in which an alert fired."""
        labels_HW: NDArray[np.int32] | None = result.labels_HW
        with self._changing:
            self._held[run_id, frame.field, frame.captured.utc] = KeyFrame(frame.image, labels_HW)
            _trim(self._held)

    def draw(self, notice: AlertNotice) -> bytes | None:
        """The picture of the frame that the notice is about, PNG; None where it is not at hand any more."""
        moment = (notice.run_id, notice.field, notice.at.utc)
        with self._drawing:  # several sinks want the same picture: it is drawn once
            if moment not in self._drawn:
                drawn = self._draw(moment, notice.archived)
                if drawn is None:
                    return None
                self._drawn[moment] = drawn
                _trim(self._drawn)
            return self._drawn[moment]

    def _draw(self, moment: _Moment, archived: str | None) -> bytes | None:
        with self._changing:
            frame = self._held.get(moment)
        if frame is None and archived is not None and self._folder is not None:
            frame = read_key_frame(self._folder, archived)
        if frame is None:
            return None
        try:
            return overlay_png(
                frame.image, frame.labels_HW, self._settings.longest_px, self._settings.most_bytes
            )
        except (cv2.error, ValueError, MemoryError) as error:
            log.warning("no picture goes with an alert: %s", error)
            return None


def _trim(kept: OrderedDict[_Moment, KeyFrame] | OrderedDict[_Moment, bytes]) -> None:
    while len(kept) > FRAMES_HELD:
        kept.popitem(last=False)
