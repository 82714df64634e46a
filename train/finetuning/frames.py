"""A user's labelled frames, parted into what is learned from and what is held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from engine.backends import create_backend
from engine.postprocess import postprocess
from engine.preprocess import preprocess
from engine.tiling import infer_tiled, plan
from train.data.formats import read_items
from train.data.formats.label_files import paired_items
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from engine.card import ModelCard

    Frame = tuple[str, npt.NDArray[np.uint8], npt.NDArray[np.int32]]

LEAST_SIDE_PX = 64
"""Shorter sides hold no crystal that the network could see (it looks at crops of 256 px, reflected at their edges)."""
LEAST_FRAMES = 3
"""Two to learn from and one to be held out."""


@dataclass(frozen=True)
class OwnFrames:
    """Frames by what is done with them: name, image uint8, labels int32.

    Attributes:
        learned: learned from.
        held_out: looked at before and after, never learned from.
    """

    learned: tuple[Frame, ...]
    held_out: tuple[Frame, ...]


def read_own(images: Path, labels: Path | None, instances: bool, scale: float) -> list[Frame]:
    """Frames of a folder of images and one of masks (or, with `instances`, label images), paired by name.

    Without `labels` the images' folder holds labelme files. `scale` resizes both: the daemon must then see frames
    of that scale, too. Raises `TrainingError` for a set that is not whole, sizes that differ, labels without a
    crystal, frames that are too small, or fewer than three of them.
    """
    if labels is None:
        items = read_items("labelme", images)
    else:
        for folder, what in ((images, "images"), (labels, "masks")):
            if not folder.is_dir():
                raise TrainingError(f"no folder of {what} at {folder}: name it")
        items = paired_items(images, images, labels, instances=instances)
    found = [_scaled(item.name, *item.pair(), scale) for item in items]
    if len(found) < LEAST_FRAMES:
        raise TrainingError(f"{len(found)} labelled frames in {images}: label {LEAST_FRAMES} or more")
    if not any((marked > 0).any() for _, _, marked in found):
        raise TrainingError(f"no crystal is marked in {labels or images}: are these the labels?")
    return found


def hold_out(frames: list[Frame], count: int, seed: int) -> OwnFrames:
    """Hold `count` whole frames out, drawn by a seed; raises `TrainingError` if fewer than two are left."""
    if not 1 <= count <= len(frames) - 2:
        raise TrainingError(f"cannot hold {count} of {len(frames)} frames out: 1 to {len(frames) - 2} can be")
    drawn = {int(number) for number in np.random.default_rng(seed).permutation(len(frames))[:count]}
    return OwnFrames(
        tuple(frame for number, frame in enumerate(frames) if number not in drawn),
        tuple(frame for number, frame in enumerate(frames) if number in drawn),
    )


def part_bodies(frames: OwnFrames, card: ModelCard, threads: int) -> OwnFrames:
    """Part the learned masks' touching bodies along the contacts that the weights see now.

    A mask does not say where one crystal ends and the next begins; learned from as it is, it would teach that
    crystals never touch. Held-out frames stay as they were marked.
    """
    backend = create_backend("auto", card, threads=threads, cache=None)
    parted = []
    for name, image, marked in frames.learned:
        normal = preprocess(image)
        axes = plan(
            *normal.shape, tile=card.tile_px, overlap=card.tile_overlap_px, stride=card.network.stride
        )
        _, contact_HW = infer_tiled(normal, axes, backend.infer)
        mask_HW = (marked > 0).astype(np.float32)
        bodies = postprocess(mask_HW, np.ascontiguousarray(contact_HW), card.thresholds).labels_HW
        # what was too small to be a body of its own is crystal all the same
        left = (marked > 0) & (bodies == 0)
        _, rest = cv2.connectedComponents(left.astype(np.uint8), connectivity=8)
        parted.append((name, image, np.where(left, rest + bodies.max(), bodies).astype(np.int32)))
    backend.close()
    return OwnFrames(tuple(parted), frames.held_out)


def _scaled(name: str, image: npt.NDArray[np.uint8], labels: npt.NDArray[np.int32], scale: float) -> Frame:
    height, width = (max(1, round(side * scale)) for side in image.shape)
    if min(height, width) < LEAST_SIDE_PX:
        scaled = "" if scale == 1.0 else f" after --scale {scale:g}"
        raise TrainingError(
            f"{name} has {width}×{height} px{scaled}: {LEAST_SIDE_PX} px a side are the least"
        )
    if scale == 1.0:
        return name, image, labels
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (width, height)
    small = cv2.resize(image, size, interpolation=smooth)
    marked = cv2.resize(labels.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    return name, np.asarray(small, np.uint8), marked.astype(np.int32)
