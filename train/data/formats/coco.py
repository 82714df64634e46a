"""COCO's instances JSON: polygons, run lengths compressed or not; every category is crystal."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools.coco import COCO

from train.data.formats.outlines import paint, polygons_mask, run_lengths_mask
from train.data.item import Item
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_USUAL = (
    "annotations.json",
    "_annotations.coco.json",
    "annotations/instances.json",
    "annotations/instances_train2017.json",
)
_IMAGE_FOLDERS = ("", "images", "train2017")


def coco_items(root: Path, images: str | None, annotations: str | None) -> list[Item]:
    """Images of a COCO file, in the order of their names. Objects marked as a crowd are left out.

    Raises `TrainingError` where the file is no COCO JSON or an image that it lists is not there.
    """
    path = _annotation_file(root, annotations)
    index = _index(path)
    found = []
    for entry in index.imgs.values():
        image = _image_file(root, images, str(entry["file_name"]))
        read = partial(read_coco, index, int(entry["id"]))
        found.append(Item(image.relative_to(root).as_posix(), image, read, instances=True))
    if not found:
        raise TrainingError(f"{path} lists no image: is it a COCO instances file?")
    return sorted(found, key=lambda item: item.name)


def read_coco(index: COCO, image_id: int) -> npt.NDArray[np.int32]:
    """Labels (height, width) of one image; raises `TrainingError` for an outline that cannot be drawn."""
    entry = index.imgs[image_id]
    height, width = int(entry["height"]), int(entry["width"])
    masks = []
    for annotation in index.imgToAnns[image_id]:
        if annotation.get("iscrowd"):
            continue
        try:
            mask = _mask(annotation["segmentation"], height, width)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise TrainingError(
                f"annotation {annotation.get('id')} of {entry['file_name']} cannot be drawn ({error}): "
                "it needs polygons of three corners or more, or run lengths"
            ) from error
        if mask.shape != (height, width):
            raise TrainingError(
                f"annotation {annotation.get('id')} of {entry['file_name']} is for {mask.shape[1]}×{mask.shape[0]} px, "
                f"the image is {width}×{height} px: mend the annotation"
            )
        masks.append(mask)
    return paint(masks, height, width)


def crowds(index: COCO) -> int:
    """Objects marked as a crowd, which are left out."""
    return sum(bool(annotation.get("iscrowd")) for annotation in index.anns.values())


def _mask(segmentation: Any, height: int, width: int) -> npt.NDArray[np.bool_]:
    if isinstance(segmentation, dict):
        return run_lengths_mask(segmentation)
    if not segmentation or any(len(polygon) < 6 or len(polygon) % 2 for polygon in segmentation):
        raise ValueError("no outline" if not segmentation else "a polygon of fewer than three corners")
    return polygons_mask(segmentation, height, width)


def _annotation_file(root: Path, given: str | None) -> Path:
    tried = (given,) if given is not None else _USUAL
    for name in tried:
        if (root / name).is_file():
            return root / name
    raise TrainingError(f"no COCO file in {root}: looked for {', '.join(tried)}; name it")


def _index(path: Path) -> COCO:
    try:
        # pycocotools tells its progress on standard output, which belongs to the command
        with contextlib.redirect_stdout(io.StringIO()):
            index = COCO(str(path))
        unread = [
            entry for entry in index.imgs.values() if not {"id", "file_name", "height", "width"} <= set(entry)
        ]
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise TrainingError(f"{path} is no COCO instances file: {error!r}") from error
    if unread:
        raise TrainingError(
            f"{path} lists {len(unread)} images without id, file_name, height or width: complete them"
        )
    return index


def _image_file(root: Path, images: str | None, name: str) -> Path:
    folders = (images,) if images is not None else _IMAGE_FOLDERS
    for folder in folders:
        path = root / folder / name
        if path.is_file() and path.resolve().is_relative_to(root.resolve()):
            return path
    raise TrainingError(f"the COCO file lists {name}, which is not in {root}: name the folder of the images")
