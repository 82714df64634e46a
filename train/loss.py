"""The loss: weighted binary cross-entropy plus soft Dice on both channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from train.configuration import LossConfiguration


@dataclass(frozen=True)
class Loss:
    """A batch's loss and what it is made of.

    Attributes:
        total: scalar, what is minimised.
        crystal_entropy, contact_entropy: weighted binary cross-entropies, scalars.
        crystal_dice, contact_dice: 1 - soft Dice over the batch's pixels, scalars.
    """

    total: torch.Tensor
    crystal_entropy: torch.Tensor
    contact_entropy: torch.Tensor
    crystal_dice: torch.Tensor
    contact_dice: torch.Tensor


def loss_of(logits_BCHW: torch.Tensor, targets_BCHW: torch.Tensor, settings: LossConfiguration) -> Loss:
    """Loss of logits (batch, 2, height, width) against targets of the same shape."""
    logits = logits_BCHW.float()
    weight = logits.new_tensor([settings.crystal_positive_weight, settings.contact_positive_weight])
    entropy = functional.binary_cross_entropy_with_logits(
        logits, targets_BCHW, pos_weight=weight.view(1, 2, 1, 1), reduction="none"
    ).mean((0, 2, 3))
    probability = logits.sigmoid()
    both = (probability * targets_BCHW).sum((0, 2, 3))
    either = (probability + targets_BCHW).sum((0, 2, 3))
    dice = 1 - (2 * both + 1) / (either + 1)
    channels = entropy + logits.new_tensor([settings.dice_share, settings.contact_dice_share]) * dice
    total = channels[0] + settings.contact_share * channels[1]
    return Loss(total, entropy[0], entropy[1], dice[0], dice[1])
