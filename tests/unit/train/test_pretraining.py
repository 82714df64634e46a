"""Pre-training reads COCO's own format, and its weights are what the next run starts from."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from train import checkpoint
from train.command_line import main
from train.configuration import TrainingConfiguration
from train.data.formats import read_items
from train.errors import TrainingError
from train.frame_crops import Zoom
from train.item_crops import HELD, ItemCrops
from train.loop import CHECKPOINT_NAME, Allowance, train
from train.pretraining import initial

ALONE = Allowance(threads=1, workers=0)


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def coco(tmp_path):
    """Photographs of two boxes each, in colour, in the folders that COCO has."""
    root = tmp_path / "coco"
    (root / "train2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    images, annotations = [], []
    for number in range(1, 5):
        picture = np.full((90, 120, 3), 140, np.uint8)
        for box in range(2):
            x, y = 10 + 50 * box, 10 * number
            picture[y : y + 30, x : x + 40] = (20, 200 * box, 90)
            outline = [x, y, x + 40, y, x + 40, y + 30, x, y + 30]
            annotations.append(
                {"id": 2 * number + box, "image_id": number, "category_id": 1 + box, "iscrowd": 0,
                 "segmentation": [outline], "area": 1200, "bbox": [x, y, 40, 30]}
            )  # fmt: skip
        cv2.imwrite(str(root / "train2017" / f"{number:012d}.jpg"), picture)
        images.append({"id": number, "file_name": f"{number:012d}.jpg", "height": 90, "width": 120})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }
    (root / "annotations" / "instances_train2017.json").write_text(json.dumps(content))
    return root


def test_it_learns_from_coco_and_the_next_run_starts_from_it(coco, tmp_path, capsys):
    out = tmp_path / "pretrained"
    command = ["pretrain", str(coco), "--out", str(out), "--width", "2", "--steps", "2", "--threads", "1"]
    assert main([*command, "--workers", "0"]) == 0
    assert "2 steps done" in capsys.readouterr().out
    pretrained = checkpoint.load(out / CHECKPOINT_NAME)
    configuration = TrainingConfiguration(width=2, crop_px=64, batch=1, steps=1, half_precision=False)
    start = initial(out / CHECKPOINT_NAME, configuration)
    assert start.step == 0
    still = configuration.model_copy(
        update={
            "optimiser": configuration.optimiser.model_copy(
                update={"learning_rate": 1e-30, "weight_decay": 0.0}
            )
        }
    )
    source = ItemCrops(read_items("coco", coco), Zoom())
    begun, random = (
        train(still, source, tmp_path / name, ALONE, s) for name, s in (("a", start), ("b", None))
    )
    key = "encoder.0.first_convolution.weight"
    assert torch.allclose(begun.network[key], pretrained.kept[key], atol=1e-6)
    assert not torch.allclose(random.network[key], pretrained.kept[key], atol=1e-6)
    with pytest.raises(TrainingError, match="pre-train that"):
        initial(out / CHECKPOINT_NAME, configuration.model_copy(update={"width": 4}))


def test_a_large_set_is_not_held_in_memory(coco):
    items = read_items("coco", coco) * 40
    source, rng = ItemCrops(items, Zoom()), np.random.default_rng(0)
    crops = [source.crop(rng, 64) for _ in range(200)]
    assert len(source._held) == HELD < len(items)
    assert {int(label) for _, labels in crops for label in np.unique(labels)} == {0, 1, 2}


def test_a_set_without_labels_is_refused(tmp_path):
    folder = tmp_path / "Clear"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(TrainingError, match="nothing can be learned"):
        ItemCrops(read_items("marco", tmp_path), Zoom())
