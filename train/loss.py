"""The loss of a network that gives a logit for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from train.team import summed

if TYPE_CHECKING:
    from train.batch import Batch
    from train.configuration import LossConfiguration

DISTANCE_CHANNEL = 2
"""Logit of the distance head, where a network has one."""


def losses_of(
    logits_BCHW: torch.Tensor, batch: Batch, settings: LossConfiguration
) -> dict[str, torch.Tensor]:
    """Scalars by name: `loss` is what is minimised, the others what it is made of.

    Weighted binary cross-entropy plus soft Dice of crystal and contact; the boundary loss of Kervadec and others
    (2019) of the crystal channel, and the distance head's error, where the settings give them a share.
    """
    logits = logits_BCHW.float()
    dense, targets_BCHW = logits[:, :DISTANCE_CHANNEL], batch.targets_BCHW
    weight = logits.new_tensor([settings.crystal_positive_weight, settings.contact_positive_weight])
    entropy = functional.binary_cross_entropy_with_logits(
        dense, targets_BCHW, pos_weight=weight.view(1, 2, 1, 1), reduction="none"
    ).mean((0, 2, 3))
    probability = dense.sigmoid()
    both = summed((probability * targets_BCHW).sum((0, 2, 3)))
    either = summed((probability + targets_BCHW).sum((0, 2, 3)))
    dice = 1 - (2 * both + 1) / (either + 1)
    channels = entropy + logits.new_tensor([settings.dice_share, settings.contact_dice_share]) * dice
    total = channels[0] + settings.contact_share * channels[1]
    parts = {
        "crystal_entropy": entropy[0],
        "contact_entropy": entropy[1],
        "crystal_dice": dice[0],
        "contact_dice": dice[1],
    }
    if settings.boundary_share > 0:
        parts["boundary"] = (probability[:, 0] * batch.signed_BHW).mean()
        total = total + settings.boundary_share * parts["boundary"]
    if logits.shape[1] > DISTANCE_CHANNEL:
        said = logits[:, DISTANCE_CHANNEL].sigmoid()
        parts["distance"] = functional.smooth_l1_loss(said, batch.interior_BHW, beta=0.1)
        total = total + settings.distance_share * parts["distance"]
    return {"loss": total, **parts}
