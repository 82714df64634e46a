"""Distillation: a narrow network learns what a wide one says, beside what is labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from train import checkpoint, networks
from train.errors import TrainingError
from train.first_weights import first_weights
from train.networks.trainee import DenseTrainee

if TYPE_CHECKING:
    from train.configuration import TrainingConfiguration

TEACHER_SHARE = 0.7


def distilled(steps: int = 16000, seed: int = 0, width: int = 8) -> TrainingConfiguration:
    """The complete configuration of a run with a teacher; what is learned from is that of the first weights."""
    return first_weights(steps, seed, width).model_copy(
        update={"recipe": "distilled", "teacher_share": TEACHER_SHARE}
    )


class CheckpointTeacher:
    """The weights that a run kept, as a teacher."""

    def __init__(self, found: checkpoint.Checkpoint) -> None:
        """Take a checkpoint's weights; raises `TrainingError` if its network gives no logit a pixel."""
        configuration = found.configuration
        trainee = networks.build_configured(configuration)
        if not isinstance(trainee, DenseTrainee):
            raise TrainingError(
                f"the checkpoint holds {configuration.network}, which cannot teach pixels: take another"
            )
        trainee.module.load_state_dict(found.kept)
        trainee.module.eval()
        self._trainee, self._half = trainee, configuration.half_precision
        loss = configuration.loss
        weights = torch.tensor([loss.crystal_positive_weight, loss.contact_positive_weight])
        self._shift = weights.log()[None, :, None, None]

    def targets(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """Calibrated probabilities: the teacher's positive weights are undone, the pupil's loss has its own."""
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            logits_BCHW = self._trainee.logits(images_BCHW)[:, :2]
        return torch.sigmoid(logits_BCHW.float() - self._shift)
