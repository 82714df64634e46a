"""labelme: a JSON beside each image, with polygons, rectangles, circles and masks."""

from __future__ import annotations

import base64
import binascii
import json
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.data.formats.outlines import paint, polygons_mask
from train.data.item import Item
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_CIRCLE_CORNERS = 64


def labelme_items(root: Path, images: str | None, annotations: str | None) -> list[Item]:
    """Every JSON of the folder with the image that it names, in the order of the images' names.

    `annotations` names the folder of the JSON files, `images` that of the images where the path in the JSON
    does not lead to one. Raises `TrainingError` for a file that is no labelme JSON or whose image is missing.
    """
    folder = root / (annotations or "")
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not files:
        raise TrainingError(f"no labelme file (*.json) in {folder}: name their folder")
    found = []
    for path in files:
        content = _content(path)
        image = _image_file(path, content, root / images if images else None)
        if not image.resolve().is_relative_to(root.resolve()):
            raise TrainingError(
                f"{path.name} names an image outside {root}: {content['imagePath']!r}; copy it there"
            )
        name = image.resolve().relative_to(root.resolve()).as_posix()
        found.append(Item(name, image, partial(read_labelme, path), instances=True))
    return sorted(found, key=lambda item: item.name)


def read_labelme(path: Path) -> npt.NDArray[np.int32]:
    """Labels (height, width); shapes with the same label and group number are one crystal.

    Raises `TrainingError` for a shape that has no area (a point, a line).
    """
    content = _content(path)
    height, width = int(content["imageHeight"]), int(content["imageWidth"])
    bodies: dict[object, npt.NDArray[np.bool_]] = {}
    for number, shape in enumerate(content["shapes"]):
        group = shape.get("group_id")
        key = ("shape", number) if group is None else ("group", shape.get("label"), group)
        try:
            mask = _shape_mask(shape, height, width)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise TrainingError(
                f"shape {number} of {path.name} cannot be drawn ({error}): use polygon, rectangle, circle or mask"
            ) from error
        bodies[key] = bodies[key] | mask if key in bodies else mask
    return paint(bodies.values(), height, width)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not {"shapes", "imagePath", "imageHeight", "imageWidth"} <= set(content):
            raise ValueError("shapes, imagePath, imageHeight or imageWidth is missing")
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{path} is no labelme file: {error}") from error
    return dict(content)


def _image_file(path: Path, content: dict[str, Any], images: Path | None) -> Path:
    named = str(content["imagePath"]).replace("\\", "/")
    tried = [path.parent / named, (images or path.parent) / named.rsplit("/", 1)[-1]]
    for image in tried:
        if image.is_file():
            return image
    raise TrainingError(
        f"{path.name} names the image {named!r}, which is not there: name the folder of the images"
    )


def _shape_mask(shape: dict[str, Any], height: int, width: int) -> npt.NDArray[np.bool_]:
    kind, points = shape.get("shape_type", "polygon"), shape["points"]
    if kind == "polygon" and len(points) >= 3:
        return polygons_mask([[value for point in points for value in point]], height, width)
    if kind == "rectangle":
        (x0, y0), (x1, y1) = points
        return polygons_mask([[x0, y0, x1, y0, x1, y1, x0, y1]], height, width)
    if kind == "circle":
        (x, y), (edge_x, edge_y) = points
        radius = math.hypot(edge_x - x, edge_y - y)
        angles = [2 * math.pi * corner / _CIRCLE_CORNERS for corner in range(_CIRCLE_CORNERS)]
        outline = [value for a in angles for value in (x + radius * math.cos(a), y + radius * math.sin(a))]
        return polygons_mask([outline], height, width)
    if kind == "mask":
        return _pasted(shape, height, width)
    raise ValueError(f"a {kind} of {len(points)} points has no area")


def _pasted(shape: dict[str, Any], height: int, width: int) -> npt.NDArray[np.bool_]:
    (x, y), _ = shape["points"]
    raw = np.frombuffer(base64.b64decode(shape["mask"], validate=True), np.uint8)
    part = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE) if raw.size else None
    if part is None:
        raise ValueError("the mask is no PNG")
    left, top = round(x), round(y)
    if left < 0 or top < 0 or left + part.shape[1] > width or top + part.shape[0] > height:
        raise ValueError("the mask reaches beyond the image")
    mask = np.zeros((height, width), bool)
    mask[top : top + part.shape[0], left : left + part.shape[1]] = part > 0
    return mask
