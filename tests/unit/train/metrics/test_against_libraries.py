"""What torchmetrics and pycocotools define is what we say, on random scenes."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchmetrics.detection import PanopticQuality
from torchmetrics.functional.classification import binary_calibration_error, binary_stat_scores

from train.metrics.calibration import CalibrationCurve
from train.metrics.instances import InstanceCounts, count_instances
from train.metrics.pixels import compare

SIDE = 96


def _scene(rng):
    """True and said labels: rectangles, some moved, some missed, some invented; and a score for each said one."""
    true, said = np.zeros((2, SIDE, SIDE), np.int32)
    for label in range(1, 25):
        y, x = rng.integers(0, SIDE - 16, 2)
        h, w = rng.integers(3, 16, 2)
        if rng.random() < 0.85:
            true[y : y + h, x : x + w] = label
        if rng.random() < 0.85:
            dy, dx = rng.integers(-2, 3, 2)
            said[max(0, y + dy) : y + h + dy, max(0, x + dx) : x + w + dx] = 100 - label
    scores = {int(label): float(rng.random()) for label in np.unique(said) if label}
    return true, said, scores


@pytest.fixture(scope="module")
def scenes():
    rng = np.random.default_rng(11)
    return [_scene(rng) for _ in range(12)]


def test_panoptic_quality_is_that_of_torchmetrics(scenes):
    theirs = PanopticQuality(things={1}, stuffs={0}, return_sq_and_rq=True, return_per_class=True)
    ours = InstanceCounts()
    for true, said, scores in scenes:
        ours += count_instances(said, true, scores)
        both = [
            torch.from_numpy(np.stack([labels > 0, labels], -1).astype(np.int64))[None]
            for labels in (said, true)
        ]
        theirs.update(*both)
    things = theirs.compute()[0].tolist()
    assert 0.3 < ours.panoptic_quality < 0.9
    assert [ours.panoptic_quality, ours.segmentation_quality, ours.recognition_quality] == pytest.approx(
        things
    )


def test_average_precision_is_that_of_coco(scenes):
    images, truth, said_rows = [], [], []
    ours = InstanceCounts()
    for number, (true, said, scores) in enumerate(scenes, start=1):
        ours += count_instances(said, true, scores)
        images.append({"id": number, "height": SIDE, "width": SIDE, "file_name": ""})
        for labels, rows in ((true, truth), (said, said_rows)):
            for label in np.unique(labels[labels > 0]):
                runs = coco_mask.encode(np.asfortranarray(labels == label).astype(np.uint8))
                row = {"image_id": number, "category_id": 1, "segmentation": runs, "iscrowd": 0}
                row |= {
                    "id": len(rows) + 1,
                    "area": float(coco_mask.area(runs)),
                    "bbox": coco_mask.toBbox(runs).tolist(),
                }
                rows.append(row | ({"score": scores[int(label)]} if labels is said else {}))
    with contextlib.redirect_stdout(io.StringIO()):
        index = COCO()
        index.dataset = {"images": images, "annotations": truth, "categories": [{"id": 1, "name": "crystal"}]}
        index.createIndex()
        theirs = COCOeval(index, index.loadRes(said_rows), "segm")
        theirs.params.maxDets = [10000]
        theirs.params.iouThrs = np.array([0.5])
        theirs.evaluate()
        theirs.accumulate()
    precision = theirs.eval["precision"][0, :, 0, 0, 0]
    assert 0.2 < precision.mean() < 0.95
    assert ours.average_precision == pytest.approx(float(precision.mean()))


def test_pixel_counts_are_those_of_torchmetrics(scenes):
    for true, said, _ in scenes:
        counts = compare(said > 0, true > 0)
        tp, fp, tn, fn, _ = binary_stat_scores(
            torch.from_numpy(said > 0), torch.from_numpy((true > 0).astype(int))
        ).tolist()
        assert (counts.both, counts.said_only, counts.neither, counts.true_only) == (tp, fp, tn, fn)


def test_calibration_error_is_that_of_torchmetrics():
    rng = np.random.default_rng(5)
    probability = rng.uniform(0, 1, (80, 80)).astype(np.float32)
    true = rng.uniform(0, 1, probability.shape) < probability**2
    curve = CalibrationCurve()
    curve.add(probability, true)
    theirs = binary_calibration_error(
        torch.from_numpy(probability), torch.from_numpy(true.astype(int)), n_bins=10
    )
    assert curve.scores().expected_calibration_error == pytest.approx(theirs.item(), abs=1e-6)
    assert theirs.item() > 0.1
