"""What goes out to an annotation tool comes back as it was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from monitor.simulation import training_scene
from train.annotation import outline, pre_label
from train.data.formats import read_items
from train.data.formats.outlines import polygons_mask
from train.errors import TrainingError
from train.metrics.area_bias import measure_areas
from train.segmenting import Found


def _flat(points):
    return [[value for point in points for value in point]]


def test_an_outline_encloses_the_area_of_its_body():
    square = np.zeros((40, 40), bool)
    square[10:20, 12:30] = True
    assert polygons_mask(_flat(outline(square, 0.1)), 40, 40).sum() == 180
    y, x = np.mgrid[0:80, 0:80]
    for radius in (5, 10, 30):
        disc = (x - 40) ** 2 + (y - 40) ** 2 < radius**2
        drawn = polygons_mask(_flat(outline(disc, 0.4)), 80, 80)
        assert drawn.sum() == pytest.approx(disc.sum(), rel=0.02)


@pytest.fixture
def scenes(tmp_path):
    truth = {}
    (tmp_path / "images").mkdir()
    for number, family in enumerate(("suspension", "grains")):
        image, labels = training_scene(np.random.default_rng(number), 160, 200, family)
        cv2.imwrite(str(tmp_path / "images" / f"{family}.png"), image)
        truth[image.tobytes()] = labels
    return tmp_path, truth


def test_bodies_go_out_as_labelme_and_come_back(scenes):
    folder, truth = scenes

    def segment(image):
        labels = truth[image.tobytes()]
        return Found(labels, {int(label): 0.9 for label in np.unique(labels) if label}, None)

    bodies = pre_label(folder / "images", folder / "out", segment)
    items = read_items("labelme", folder / "out")
    assert len(items) == 2
    seen, ratios = 0, []
    for item in items:
        image, back = item.pair()
        labels = truth[image.tobytes()]
        seen += len(np.unique(back)) - 1
        ratios += [c.area_ratio for c in measure_areas(back, labels) if c.diameter_px >= 10]
    assert seen == bodies > 20
    assert None not in ratios
    assert np.median(ratios) == pytest.approx(1, abs=0.01)
    assert np.percentile(ratios, 5) > 0.95
    with pytest.raises(TrainingError, match="already"):
        pre_label(folder / "images", folder / "out", segment)
