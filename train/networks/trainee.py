"""What the training loop and the comparison ask of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch.nn import functional

from engine.postprocess import postprocess
from engine.preprocess import normalise
from train.loss import losses_of
from train.segmenting import Found

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from engine.thresholds import Thresholds
    from train.batch import Batch
    from train.configuration import LossConfiguration


class Trainee(ABC):
    """A network with what it learns from and what it finds. Its weights are those of `module`."""

    half_precision: ClassVar[bool] = True
    """Whether its arithmetic may run in bfloat16 where the configuration asks for it."""

    def __init__(self, module: nn.Module) -> None:
        """Take a network with its weights."""
        self.module = module

    @abstractmethod
    def losses(self, batch: Batch, settings: LossConfiguration) -> dict[str, torch.Tensor]:
        """Scalars by name for a batch, in training mode; `loss` is what is minimised, the others what it is made of."""

    @abstractmethod
    def segment(
        self, image_HW: npt.NDArray[np.uint8], settings: LossConfiguration, limits: Thresholds
    ) -> Found:
        """Find the crystals of an image of any size; `settings` are those it was trained with."""


class DenseTrainee(Trainee):
    """A network that gives a logit for each pixel: of crystal and of contact, and of distance if it has a third."""

    def __init__(self, module: nn.Module, stride: int) -> None:
        """Take a network whose input's sides must be multiples of `stride`."""
        super().__init__(module)
        self.stride = stride

    def logits(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        """Logits (B, channels, H, W) of a normalised image (B, 1, H, W) of any size (padded by reflection)."""
        height, width = image_BCHW.shape[-2:]
        down, right = -height % self.stride, -width % self.stride
        if down or right:
            # what is missing may be more than reflection can give a small image
            mode = "reflect" if down < height and right < width else "replicate"
            image_BCHW = functional.pad(image_BCHW, (0, right, 0, down), mode=mode)
        logits_BCHW: torch.Tensor = self.module(image_BCHW)
        return logits_BCHW[..., :height, :width]

    def losses(self, batch: Batch, settings: LossConfiguration) -> dict[str, torch.Tensor]:
        """Weighted cross-entropy, and the other terms that the settings ask for."""
        logits_BCHW = self.logits(batch.images_BCHW.to(memory_format=torch.channels_last))
        return losses_of(logits_BCHW, batch, settings)

    def probabilities(
        self, image_HW: npt.NDArray[np.uint8], settings: LossConfiguration
    ) -> npt.NDArray[np.float32]:
        """Calibrated probability (2, height, width) of crystal and contact: the positive weights are undone."""
        self.module.eval()
        with torch.inference_mode():
            logits_CHW = self.logits(torch.from_numpy(normalise(image_HW))[None, None])[0, :2].float()
        weight = torch.tensor([settings.crystal_positive_weight, settings.contact_positive_weight])
        # p/(p + ω(1 − p)) of a logit z is the sigmoid of z − ln ω
        found: npt.NDArray[np.float32] = torch.sigmoid(logits_CHW - weight.log()[:, None, None]).numpy()
        return found

    def segment(
        self, image_HW: npt.NDArray[np.uint8], settings: LossConfiguration, limits: Thresholds
    ) -> Found:
        """Find the crystals with the engine's own post-processing."""
        crystal_HW, contact_HW = self.probabilities(image_HW, settings)
        bodies = postprocess(np.ascontiguousarray(crystal_HW), np.ascontiguousarray(contact_HW), limits)
        return Found(bodies.labels_HW, dict(bodies.scores), crystal_HW)
