"""Mask R-CNN (He and others, 2017) from torchvision, on a narrow ResNet-18 with a feature pyramid."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
import timm
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from engine.preprocess import normalise
from train.networks.trainee import Trainee
from train.segmenting import Found

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.thresholds import Thresholds
    from train.batch import Batch
    from train.configuration import LossConfiguration

ANCHORS_PX = ((8,), (16,), (32,), (64,), (128,))
"""Side of the anchors at each pyramid level, px: a quarter of torchvision's, as crystals are small."""
PROPOSALS = 300
"""Regions that are looked at in an image."""
BODIES = 300
"""Most bodies of an image."""
LEAST_SIDE_PX = 2
"""Crystals with a shorter side of their box are no target."""
_PIXEL = 0.5


class _Narrow(nn.Module):
    """ResNet-18-D with `width` channels in its first stage, under a feature pyramid of twice that."""

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = tuple(width * 2**stage for stage in range(4))
        self.body = timm.create_model(
            "resnet18d", features_only=True, out_indices=(1, 2, 3, 4), in_chans=1, stem_width=max(4, width // 2),
            channels=channels,
        )  # fmt: skip
        self.out_channels = 2 * width
        self.pyramid = FeaturePyramidNetwork(list(channels), self.out_channels, LastLevelMaxPool())

    def forward(self, x_BCHW: torch.Tensor) -> OrderedDict[str, torch.Tensor]:
        named = OrderedDict((str(level), x) for level, x in enumerate(self.body(x_BCHW)))
        levels: OrderedDict[str, torch.Tensor] = self.pyramid(named)
        return levels


class _AsItIs(GeneralizedRCNNTransform):  # type: ignore[misc]  # the library has no types
    """Batches images without resizing them, and gives boxes with their small masks instead of a frame for each.

    torchvision would paste every mask into a frame of its own: 2,000 crystals in a frame of 1024² are 8 GB.
    """

    def __init__(self) -> None:
        super().__init__(min_size=1, max_size=1, image_mean=[0.0], image_std=[1.0])

    def resize(
        self, image: torch.Tensor, target: dict[str, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor] | None]:
        return image, target

    def postprocess(
        self,
        result: list[dict[str, torch.Tensor]],
        image_shapes: list[tuple[int, int]],
        original_image_sizes: list[tuple[int, int]],
    ) -> list[dict[str, torch.Tensor]]:
        return result


class MaskRcnnTrainee(Trainee):
    """Boxes, then a mask in each; it learns from bodies rather than from pixels."""

    half_precision: ClassVar[bool] = False  # region pooling has no bfloat16 on a CPU

    def __init__(self, width: int) -> None:
        """Make the network with `width` channels in the backbone's first stage (64 in ResNet-18)."""
        backbone = _Narrow(width)
        channels = backbone.out_channels
        levels = [str(level) for level in range(4)]
        module = MaskRCNN(
            backbone,
            rpn_anchor_generator=AnchorGenerator(ANCHORS_PX, ((0.5, 1.0, 2.0),) * len(ANCHORS_PX)),
            rpn_post_nms_top_n_train=PROPOSALS,
            rpn_post_nms_top_n_test=PROPOSALS,
            box_roi_pool=MultiScaleRoIAlign(levels, 7, 2),
            box_head=TwoMLPHead(channels * 7**2, 8 * width),
            box_predictor=FastRCNNPredictor(8 * width, 2),
            box_detections_per_img=BODIES,
            mask_roi_pool=MultiScaleRoIAlign(levels, 14, 2),
            mask_head=MaskRCNNHeads(channels, (channels,) * 4, 1),
            mask_predictor=MaskRCNNPredictor(channels, channels, 2),
        )
        module.transform = _AsItIs()
        super().__init__(module)

    def losses(self, batch: Batch, settings: LossConfiguration) -> dict[str, torch.Tensor]:
        """torchvision's five losses and their sum."""
        parts = self.module(list(batch.images_BCHW), [targets_of(labels) for labels in batch.labels_BHW])
        return {"loss": sum(parts.values(), torch.zeros(())), **parts}

    def segment(
        self, image_HW: npt.NDArray[np.uint8], settings: LossConfiguration, limits: Thresholds
    ) -> Found:
        """Paint the bodies, surest first; a pixel belongs to the surest one that claims it."""
        self.module.eval()
        with torch.inference_mode():
            (found,) = self.module([torch.from_numpy(normalise(image_HW))[None]])
        labels = np.zeros(image_HW.shape, np.int32)
        probability = np.zeros(image_HW.shape, np.float32)
        scores: dict[int, float] = {}
        for box, score, mask in zip(found["boxes"], found["scores"], found["masks"][:, 0], strict=True):
            rows, columns, part = pasted(mask.numpy(), box.numpy(), image_HW.shape)
            sure = float(score)
            where = probability[rows, columns]
            np.maximum(where, part * np.float32(sure), out=where)
            free = (labels[rows, columns] == 0) & (part >= _PIXEL)
            if sure < limits.crystal or free.sum() < limits.minimal_area_px:
                continue
            label = len(scores) + 1
            labels[rows, columns][free] = label
            scores[label] = sure
        return Found(labels, scores, probability)


def targets_of(labels_HW: torch.Tensor) -> dict[str, torch.Tensor]:
    """Boxes (bodies, 4) float32, masks (bodies, height, width) uint8 and classes (all 1) of a label image."""
    labels = torch.unique(labels_HW)
    masks = labels_HW[None] == labels[labels > 0][:, None, None]
    rows, columns = masks.any(2).int(), masks.any(1).int()
    height, width = labels_HW.shape
    top, left = rows.argmax(1), columns.argmax(1)
    bottom, right = height - rows.flip(1).argmax(1), width - columns.flip(1).argmax(1)
    boxes = torch.stack([left, top, right, bottom], 1).float().reshape(-1, 4)
    large = ((boxes[:, 2:] - boxes[:, :2]) >= LEAST_SIDE_PX).all(1)
    kept = boxes[large]
    return {
        "boxes": kept,
        "masks": masks[large].to(torch.uint8),
        "labels": torch.ones(len(kept), dtype=torch.int64),
    }


def pasted(
    mask: npt.NDArray[np.float32], box: npt.NDArray[np.float32], shape: tuple[int, ...]
) -> tuple[slice, slice, npt.NDArray[np.float32]]:
    """A box's small mask as it lies in a frame: rows, columns, and the probability of each pixel there.

    A pixel takes the mask's value at its centre, bilinearly.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    left, top = max(0, int(np.floor(x0))), max(0, int(np.floor(y0)))
    right, bottom = min(shape[1], int(np.ceil(x1))), min(shape[0], int(np.ceil(y1)))
    side_y, side_x = mask.shape
    x = (np.arange(left, right) + 0.5 - x0) / max(x1 - x0, 1e-6) * side_x - 0.5
    y = (np.arange(top, bottom) + 0.5 - y0) / max(y1 - y0, 1e-6) * side_y - 0.5
    grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    if grid_x.size == 0:
        return slice(top, max(top, bottom)), slice(left, max(left, right)), np.zeros(grid_x.shape, np.float32)
    part = cv2.remap(mask, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return slice(top, bottom), slice(left, right), np.asarray(part, np.float32)
