"""`FrameArchive`: keeps key frames losslessly, within a budget, and never stands in the way of the
analysis."""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from monitor.archive.budget import MASKS_SUFFIX, Budget
from monitor.archive.naming import ArchivedFile, KeptFor, name_frame
from monitor.archive.run_lengths import crop_masks
from monitor.errors import SettingsError
from monitor.frame import Frame
from monitor.records.result import ArchivedFrame

log = logging.getLogger(__name__)

Labels = NDArray[np.int32]

THINNED_AT_ONCE = 20
"""So many frames are dropped between two frames of the analysis, which must not wait for more."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the archive did with a frame; for `FrameResult`'s fields of the same names."""

    archived: str | None = None
    """The frame's name in the archive; None where it was not kept."""
    archived_before: tuple[ArchivedFrame, ...] = ()
    """Earlier frames of its field that were kept with it."""
    archive_dropped: tuple[str, ...] = ()
    """Frames that had to go."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    frame: Frame
    labels_HW: Labels | None


class FrameArchive:
    """Key frames in a folder: those with an event, one every so often, and the last few before an event.

    Called once per frame, from one thread, before the frame's transaction: a kill in between leaves a file
    that no row names, which the budget drops in its time. It never raises while running: a full disk is
    counted in `failures`.
    """

    def __init__(
        self, folder: Path, budget_bytes: int, every_s: float, frames_before: int, compression: int = 1
    ) -> None:
        """Make the folder and take stock of it; raises `SettingsError` where it cannot be written.

        `every_s` seconds between routine frames of a field, 0 for none; `frames_before` frames kept with an
        event.
        """
        self._folder = folder
        self._every_s = every_s
        self._compression = compression
        self._frames_before = frames_before
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._last_routine_s: dict[str, float] = {}
        self._dropped: list[str] = []
        self.keeps_routine = True
        """Whether frames are kept that nothing happened in; False while the disk is almost full."""
        self.failures = 0
        """Frames that should have been kept and could not be."""
        try:
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o2750)  # its folders and files belong to the same group, which may read them
            probe = folder / ".probe"
            probe.touch()
            probe.unlink()
            self._budget = Budget(folder, budget_bytes)
        except OSError as error:
            raise SettingsError(
                f"the archive's folder {folder} cannot be written ({error.strerror}): give the user that "
                "runs Crystal Monitor write permission on it, or name another in storage.archive.folder"
            ) from error

    def thin(self, wanted_bytes: int) -> int:
        """Drop the oldest routine frames until so many bytes are free, a few at a time; how many went.

        Their rows are told with the next frame that is offered. Never raises, as `offer`.
        """
        try:
            dropped = self._budget.thin(wanted_bytes, THINNED_AT_ONCE)
        except OSError as error:
            log.warning("the archive could not be thinned: %s", error)
            return 0
        self._dropped += dropped
        return len(dropped)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    @property
    def used_bytes(self) -> int:
        """Bytes that the archive takes."""
        return self._budget.used_bytes

    def offer(
        self, frame: Frame, run_id: int, elapsed_s: float, labels_HW: Labels | None, event: bool
    ) -> Kept:
        """Keep the frame if it is a key frame; `labels_HW` (H, W) int32 has the crystals' numbers, if
        known."""
        dropped, self._dropped = self._dropped, []
        ring = self._waiting.setdefault(frame.field, deque(maxlen=self._frames_before))
        if event:
            before = tuple(
                ArchivedFrame(one.frame.session, one.frame.frame_index, name)
                for one in ring
                if (name := self._keep(one, run_id, KeptFor.BEFORE, dropped)) is not None
            )
            ring.clear()
            name = self._keep(_Waiting(frame, labels_HW), run_id, KeptFor.EVENT, dropped)
            return Kept(name, before, tuple(dropped))
        last_s = self._last_routine_s.get(frame.field)
        if (
            self.keeps_routine
            and self._every_s > 0
            and (last_s is None or elapsed_s - last_s >= self._every_s)
        ):
            self._last_routine_s[frame.field] = elapsed_s
            name = self._keep(_Waiting(frame, labels_HW), run_id, KeptFor.ROUTINE, dropped)
            if name is not None:
                return Kept(name, (), tuple(dropped))
        ring.append(_Waiting(frame, labels_HW))
        return Kept(None, (), tuple(dropped))

    def _keep(self, one: _Waiting, run_id: int, kept_for: KeptFor, dropped: list[str]) -> str | None:
        file = name_frame(one.frame, run_id, kept_for)
        image = _encode(one.frame, self._compression)
        masks = _encode_masks(one, file)
        size_bytes = len(image) + len(masks)
        try:
            dropped += self._budget.make_room(size_bytes)
            if not self._budget.fits(size_bytes):
                self.failures += 1
                return None
            _write(self._folder / file.name, image, masks)
        except OSError as error:
            self.failures += 1
            log.warning("frame %d was not archived: %s", one.frame.frame_index, error)
            return None
        self._budget.add(file, size_bytes)
        return file.name


def _encode(frame: Frame, compression: int) -> bytes:
    pixels = frame.image if frame.image.ndim == 2 else frame.image[..., ::-1]
    done, encoded = cv2.imencode(
        ".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, compression]
    )
    assert done, "PNG takes every frame: 8 or 16 bits, grey or colour"
    return encoded.tobytes()


def _encode_masks(one: _Waiting, file: ArchivedFile) -> bytes:
    if one.labels_HW is None:
        return b""
    frame = one.frame
    described = {
        "image": file.name.rpartition("/")[2],
        "height": frame.height_px,
        "width": frame.width_px,
        "um_per_px": frame.um_per_px,
        "crystals": [asdict(mask) for mask in crop_masks(one.labels_HW)],
    }
    return json.dumps(described, separators=(",", ":")).encode()


def _write(path: Path, image: bytes, masks: bytes) -> None:
    """Masks first, the image last and under another name until it is whole: what has an image is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, masks_path = path.with_suffix(".part"), path.with_suffix(MASKS_SUFFIX)
    try:
        if masks:
            masks_path.write_bytes(masks)
        partial.write_bytes(image)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        masks_path.unlink(missing_ok=True)
        raise
