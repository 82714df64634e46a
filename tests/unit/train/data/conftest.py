"""A small set of two crystals a frame, written in every format from the same truth."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

HEIGHT, WIDTH = 40, 50


def truth(number: int) -> np.ndarray:
    """A rectangle of 10×8 px and an L of 84 px², int32; they move with the number."""
    labels = np.zeros((HEIGHT, WIDTH), np.int32)
    labels[4 + number : 14 + number, 5:13] = 1
    labels[20:32, 25:35] = 2
    labels[26:32, 31:35] = 0
    labels[26:32, 29:31] = 0
    return labels


def picture(number: int) -> np.ndarray:
    """Grey image (height, width) uint8 of the truth, with noise that depends on the number."""
    noise = np.random.default_rng(number).integers(0, 20, (HEIGHT, WIDTH))
    return (180 - 100 * (truth(number) > 0) + noise).astype(np.uint8)


def coco_of(numbers: range) -> dict:
    """COCO's instances: polygon, compressed and uncompressed run lengths by turns, and one crowd."""
    annotations = []
    for number in numbers:
        y0, y1 = 4 + number, 14 + number
        annotations.append({"image_id": number, "segmentation": [[5, y0, 13, y0, 13, y1, 5, y1]]})
        runs = coco_mask.encode(np.asfortranarray(truth(number) == 2).astype(np.uint8))
        if number % 2:
            flat = (truth(number) == 2).ravel(order="F").astype(np.int8)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
            counts = np.diff(np.concatenate([[0], edges])).tolist()
            if (rest := flat.size - edges[-1]) > 0:
                counts.append(int(rest))
            annotations.append(
                {"image_id": number, "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts}}
            )
        else:
            text = {"size": [HEIGHT, WIDTH], "counts": runs["counts"].decode()}
            annotations.append({"image_id": number, "segmentation": text})
        crowd = {"size": [HEIGHT, WIDTH], "counts": [0, HEIGHT * WIDTH]}
        annotations.append({"image_id": number, "iscrowd": 1, "segmentation": crowd})
    for identity, annotation in enumerate(annotations, start=1):
        annotation |= {"id": identity, "category_id": 1, "iscrowd": annotation.get("iscrowd", 0)}
    images = [{"id": n, "file_name": f"scene_{n}.png", "height": HEIGHT, "width": WIDTH} for n in numbers]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "crystal"}]}


def labelme_of(number: int) -> dict:
    """A rectangle; and the L as two shapes of one group, a polygon and a pasted mask."""
    y0, y1 = 4 + number, 14 + number
    _, png = cv2.imencode(".png", np.full((6, 4), 255, np.uint8))
    return {
        "imagePath": f"scene_{number}.png",
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
        "shapes": [
            {"label": "c", "shape_type": "rectangle", "points": [[5, y0], [13, y1]], "group_id": None},
            {
                "label": "c",
                "shape_type": "polygon",
                "points": [[25, 20], [35, 20], [35, 26], [25, 26]],
                "group_id": 3,
            },
            {
                "label": "c",
                "shape_type": "mask",
                "points": [[25, 26], [28, 31]],
                "mask": base64.b64encode(png.tobytes()).decode(),
                "group_id": 3,
            },
        ],
    }


@pytest.fixture
def sets(tmp_path):
    """Folder with a set in each format, named by the format; three frames each."""
    numbers = range(3)
    for name in ("masks", "label-images", "coco", "labelme"):
        (tmp_path / name / "images").mkdir(parents=True)
        (tmp_path / name / "labels").mkdir()
        for number in numbers:
            folder = tmp_path / name if name == "labelme" else tmp_path / name / "images"
            cv2.imwrite(str(folder / f"scene_{number}.png"), picture(number))
    for number in numbers:
        mask, labels = (truth(number) > 0).astype(np.uint8), (700 * truth(number)).astype(np.uint16)
        cv2.imwrite(str(tmp_path / "masks" / "labels" / f"scene_{number}_mask.png"), mask)
        cv2.imwrite(str(tmp_path / "label-images" / "labels" / f"scene_{number}.tif"), labels)
        (tmp_path / "labelme" / f"scene_{number}.json").write_text(json.dumps(labelme_of(number)))
    (tmp_path / "coco" / "annotations.json").write_text(json.dumps(coco_of(numbers)))
    for part, outcome in (("train-jpg", "Crystals"), ("train-jpg", "Clear"), ("test-jpg", "Precipitate")):
        (tmp_path / "marco" / part / outcome).mkdir(parents=True)
        grey = picture(len(outcome))
        cv2.imwrite(str(tmp_path / "marco" / part / outcome / "drop.jpeg"), grey)
    return tmp_path
