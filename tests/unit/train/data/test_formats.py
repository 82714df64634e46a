"""Every format gives the same truth back."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from train.data.formats import FORMATS, read_items
from train.data.formats.outlines import paint, polygons_mask
from train.data.item import read_grey
from train.errors import TrainingError

from .conftest import picture, truth

LABELLED = [name for name in FORMATS if name != "marco"]


def _same_partition(one, other):
    """Whether two label images divide the pixels alike, whatever the numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(pairs[0]) == len(set(pairs[0])) == len(set(pairs[1])) and ((one > 0) == (other > 0)).all()


def test_the_comparison_can_fail():
    swapped = truth(0).copy()
    swapped[20, 25] = 1
    assert _same_partition(truth(0), 9 * truth(0))
    assert not _same_partition(truth(0), swapped)


@pytest.mark.parametrize("name", LABELLED)
def test_a_format_gives_the_truth_back(sets, name):
    items = read_items(name, sets / name)
    assert len(items) == 3
    for number, item in enumerate(items):
        image, labels = item.pair()
        assert item.name.endswith(f"scene_{number}.png")
        assert (image == picture(number)).all()
        assert _same_partition(labels, truth(number))
        assert item.instances is (name != "masks")


def test_marco_gives_images_without_labels(sets):
    items = read_items("marco", sets / "marco")
    assert [item.outcome for item in items] == ["precipitate", "clear", "crystals"]
    assert items[0].image().shape == (40, 50)
    with pytest.raises(TrainingError, match="has no labels"):
        items[0].labels()


def test_an_outline_has_the_area_that_it_encloses():
    assert polygons_mask([[10, 10, 20, 10, 20, 20, 10, 20]], 40, 40).sum() == 100
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    disc = np.stack([50 + 10 * np.cos(angles), 50 + 10 * np.sin(angles)], 1).ravel().tolist()
    assert polygons_mask([disc], 100, 100).sum() == pytest.approx(np.pi * 100, rel=0.02)


def test_a_small_body_lies_on_top_of_a_large_one():
    large, small = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    large[1:5, 1:5], small[2:4, 2:4] = True, True
    for order in ([large, small], [small, large]):
        labels = paint(order, 6, 6)
        assert sorted(np.unique(labels, return_counts=True)[1]) == [4, 12, 20]


def test_sixteen_bits_are_reduced_by_the_cameras_full_scale(tmp_path):
    grey = np.array([[0, 2048, 4095]], np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), grey)
    assert read_grey(tmp_path / "deep.png").tolist() == [[0, 128, 255]]


def _read_all(name, folder):
    return [item.pair() for item in read_items(name, folder)]


def _edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _short_polygon(content):
    content["annotations"][0]["segmentation"] = [[1, 1, 5, 5]]


def _other_size(content):
    content["annotations"][1]["segmentation"]["size"] = [50, 40]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_short_polygon, "three corners"),
        (_other_size, r"40×50 px"),
        (lambda content: content["images"][0].update(file_name="../../etc/x.png"), "not in"),
        (lambda content: content["images"][0].pop("height"), "without id"),
        (lambda content: content.pop("images"), "no COCO|lists no image"),
    ],
)
def test_a_broken_coco_file_is_refused(sets, change, message):
    _edit(sets / "coco" / "annotations.json", change)
    with pytest.raises(TrainingError, match=message):
        _read_all("coco", sets / "coco")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["shapes"][0].update(shape_type="point"), "cannot be drawn"),
        (lambda content: content["shapes"][2].update(mask="no base64!"), "cannot be drawn"),
        (lambda content: content["shapes"][2].update(points=[[48, 26], [51, 31]]), "beyond the image"),
        (lambda content: content.pop("shapes"), "no labelme file"),
        (lambda content: content.update(imagePath="gone.png"), "not there"),
        (lambda content: content.update(imageHeight=41), "resized"),
    ],
)
def test_a_broken_labelme_file_is_refused(sets, change, message):
    _edit(sets / "labelme" / "scene_0.json", change)
    with pytest.raises(TrainingError, match=message):
        _read_all("labelme", sets / "labelme")


def test_a_circle_of_labelme(sets):
    circle = {"label": "c", "shape_type": "circle", "points": [[25, 20], [35, 20]], "group_id": None}
    _edit(sets / "labelme" / "scene_0.json", lambda content: content.update(shapes=[circle]))
    labels = read_items("labelme", sets / "labelme")[0].labels()
    assert (labels > 0).sum() == pytest.approx(np.pi * 100, rel=0.02)


def test_a_set_that_is_half_there_is_refused(sets):
    (sets / "masks" / "labels" / "scene_1_mask.png").unlink()
    with pytest.raises(TrainingError, match=r"1 images have no labels \(scene_1\.png\)"):
        read_items("masks", sets / "masks")
    (sets / "label-images" / "images" / "scene_2.png").unlink()
    with pytest.raises(TrainingError, match=r"1 label files have no image \(scene_2\.tif\)"):
        read_items("label-images", sets / "label-images")


def test_labels_that_compression_or_colour_spoiled_are_refused(sets):
    folder = sets / "masks" / "labels"
    path = folder / "scene_0_mask.png"
    colour = np.zeros((40, 50, 3), np.uint8)
    colour[5:9, 5:9] = (0, 0, 255)
    cv2.imwrite(str(path), colour)
    with pytest.raises(TrainingError, match="coloured"):
        read_items("masks", sets / "masks")[0].labels()
    path.rename(folder / "scene_0_mask.jpg")
    with pytest.raises(TrainingError, match="JPEG"):
        read_items("masks", sets / "masks")[0].labels()


def test_what_is_named_must_be_there(sets, tmp_path):
    with pytest.raises(TrainingError, match="choose from"):
        read_items("voc", sets / "coco")
    with pytest.raises(TrainingError, match="no folder"):
        read_items("coco", tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="looked for frames"):
        read_items("masks", sets / "masks", images="frames")
