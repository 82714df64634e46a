"""Structured pruning: whole channels are cut out of our network, and what is left is a smaller network of its kind.

A channel is as important as the scale that batch normalisation gives it (Liu and others 2017, "network slimming"), or,
where a layer has no normalisation, as its filter's L1 norm (Li and others 2017). Importance is compared over all stages
at once, so that each stage loses what it can spare; within a stage, each layer chooses its own channels. The result has
the channels by stage in its configuration, and so trains, resumes, is released and runs as any other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from engine.network.crystal_network import CrystalNetwork
from train.checkpoint import Checkpoint
from train.configuration import OptimiserConfiguration
from train.errors import TrainingError
from train.first_weights import first_weights
from train.networks import build_configured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.network import NetworkConfiguration
    from engine.network.attention import AttentionGate
    from engine.network.blocks import ConvolutionBlock
    from train.configuration import TrainingConfiguration

    Chosen = torch.Tensor
    """Numbers of the channels that stay, int64, rising."""
    _Layers = Any
    """A `CrystalNetwork`; torch gives the layers of a list no type of their own."""

MULTIPLE = 4
"""Stages keep a multiple of so many channels: what processors take at once."""
LEAST_SHARE = 0.25
"""Share of its channels that a stage keeps at least."""
TEACHER_SHARE = 0.7
"""Share of the targets that are the unpruned network's, while the pruned one recovers."""


def recovery(start: Checkpoint, channels: Sequence[int], steps: int, seed: int) -> TrainingConfiguration:
    """The complete configuration of the training after a pruning; the unpruned network is its teacher."""
    recipe = first_weights(steps, seed, start.configuration.width)
    return recipe.model_copy(
        update={
            "recipe": "pruned",
            "stage_channels": tuple(channels),
            "teacher_share": TEACHER_SHARE,
            "loss": start.configuration.loss,
            "optimiser": OptimiserConfiguration(learning_rate=1e-3, warm_up_steps=50, average_decay=0.99),
        }
    )


def network_of(found: Checkpoint) -> CrystalNetwork:
    """The network that a checkpoint kept; raises `TrainingError` if it is not ours."""
    network = build_configured(found.configuration).module
    if found.configuration.network != "ours" or not isinstance(network, CrystalNetwork):
        raise TrainingError(f"only `ours` can be pruned, not {found.configuration.network}")
    network.load_state_dict(found.kept)
    return network


def channels_kept(network: CrystalNetwork, share: float) -> tuple[int, ...]:
    """Channels of each stage, finest first, if `share` of all are kept; raises `TrainingError` for no share.

    Of a stage, channel number n is as important as the n-th best of each of its layers is on average; importance is
    relative to the layer's mean.
    """
    if not 0 < share <= 1:
        raise TrainingError(f"a share of {share} of the channels cannot be kept: give one above 0, at most 1")
    profiles = []
    layers: _Layers = network
    for stage, block in enumerate(layers.encoder):
        norms = _norms(block)
        if stage < len(layers.decoder):
            norms += _norms(layers.decoder[stage])
        scales = [norm.weight.detach().abs().sort(descending=True).values for norm in norms]
        profile = torch.stack([scale / scale.mean() for scale in scales]).mean(0)
        # of channels that are alike, each stage loses the same share
        profiles.append(profile - 1e-4 * torch.arange(len(profile)) / len(profile))
    together = torch.cat(profiles).sort(descending=True).values
    limit = together[max(0, round(share * len(together)) - 1)]
    kept = []
    for profile in profiles:
        least = max(1, round(LEAST_SHARE * len(profile)))
        wanted = max(least, int((profile >= limit).sum()))
        kept.append(min(len(profile), -(-wanted // MULTIPLE) * MULTIPLE))
    if kept[0] == network.configuration.pyramid_width < network.configuration.channels[0]:
        kept[0] -= MULTIPLE  # as wide as the pyramid, the finest stage would have no layer that narrows it
    return tuple(kept)


def prune(network: CrystalNetwork, channels: Sequence[int]) -> CrystalNetwork:
    """Our network with the most important channels of each stage alone; raises `TrainingError` for too many."""
    before = network.configuration
    if len(channels) != before.stages or any(
        not 1 <= after <= now for after, now in zip(channels, before.channels, strict=True)
    ):
        raise TrainingError(f"stages of {before.channels} channels cannot be cut to {tuple(channels)}")
    made = CrystalNetwork(replace(before, stage_channels=tuple(channels)))
    _copy(network, made, channels)
    return made


def _copy(network: _Layers, small: _Layers, channels: Sequence[int]) -> None:
    """Give a smaller network what stays of a whole one."""
    before: NetworkConfiguration = network.configuration
    everything = torch.arange(before.pyramid_width)
    seen: list[Chosen] = [torch.arange(before.in_channels)]
    with torch.no_grad():
        for old, new, count in zip(network.encoder, small.encoder, channels, strict=True):
            seen.append(_cut_block(old, new, seen[-1], count))
        for stage, lateral in enumerate(network.pyramid.laterals):
            _cut(lateral, small.pyramid.laterals[stage], everything, seen[stage + 1])
        if network.pyramid.augmentation is not None and small.pyramid.augmentation is not None:
            augmentation = small.pyramid.augmentation
            for number, projection in enumerate(network.pyramid.augmentation.projections):
                _cut(projection, augmentation.projections[number], everything, seen[-1])
            augmentation.fusion.load_state_dict(network.pyramid.augmentation.fusion.state_dict())
        # the top is added to the coarsest stage's map: both keep the same channels
        _cut(network.top, small.top, seen[-1], everything)
        decoded = seen[-1]
        for level in range(len(network.decoder) - 1, -1, -1):
            decoded = _cut_level(network, small, level, decoded, channels[level])
        _cut(network.head, small.head, torch.arange(before.out_channels), decoded)


def _cut_level(network: _Layers, small: _Layers, level: int, below: Chosen, count: int) -> Chosen:
    """One level of the decoder, from the channels that stay below it to those that stay of it."""
    rise, small_rise = network.upsampling[level], small.upsampling[level]
    signal = _strongest(rise.weight.abs().sum((0, 2, 3)), count)
    small_rise.weight.copy_(rise.weight[below][:, signal])
    small_rise.bias.copy_(rise.bias[signal])
    skip = _cut_narrowing(network, small, level)
    if network.gates is not None and small.gates is not None:
        _cut_gate(network.gates[level], small.gates[level], skip, signal)
    first = network.decoder[level].first_convolution
    of_skip = first.in_channels - len(rise.bias)
    return _cut_block(
        network.decoder[level], small.decoder[level], torch.cat([skip, signal + of_skip]), count
    )


def _cut_narrowing(network: _Layers, small: _Layers, level: int) -> Chosen:
    """What the pyramid hands to a level: the channels that stay of it."""
    everything = torch.arange(network.configuration.pyramid_width)
    narrow, small_narrow = network.narrowing[level], small.narrowing[level]
    if isinstance(small_narrow, nn.Identity):
        if isinstance(narrow, nn.Identity):
            return everything
        raise TrainingError(
            f"the finest stage cannot keep {len(everything)} channels, the width of the pyramid: choose another share"
        )
    if isinstance(narrow, nn.Conv2d):
        chosen = _strongest(narrow.weight.abs().sum((1, 2, 3)), small_narrow.out_channels)
        _cut(narrow, small_narrow, chosen, everything)
        return chosen
    # the stage was as wide as the pyramid and took its maps as they are; now it takes those that it weighs most
    taken = network.decoder[level].first_convolution.weight[:, : len(everything)].abs().sum((0, 2, 3))
    chosen = _strongest(taken, small_narrow.out_channels)
    small_narrow.weight.copy_(torch.eye(len(everything))[chosen][..., None, None])
    small_narrow.bias.zero_()
    return chosen


def _cut_gate(gate: AttentionGate, small: AttentionGate, skip: Chosen, signal: Chosen) -> None:
    inner = _strongest(gate.psi.weight.abs().sum((0, 2, 3)), small.psi.in_channels)
    _cut(gate.weigh_x, small.weigh_x, inner, skip)
    _cut(gate.weigh_g, small.weigh_g, inner, signal)
    _cut(gate.psi, small.psi, torch.arange(1), inner)


def _cut_block(block: ConvolutionBlock, small: ConvolutionBlock, taken: Chosen, count: int) -> Chosen:
    """A block whose input keeps the channels `taken`; gives those that stay of its output."""
    inner, chosen = (_strongest(norm.weight.abs(), count) for norm in _norms(block))
    _cut(block.first_convolution, small.first_convolution, inner, taken)
    _cut(block.second_convolution, small.second_convolution, chosen, inner)
    for norm, small_norm, stay in zip(_norms(block), _norms(small), (inner, chosen), strict=True):
        whole = norm.state_dict()
        small_norm.load_state_dict(
            {name: value[stay] if value.ndim else value for name, value in whole.items()}
        )
    return chosen


def _cut(layer: nn.Conv2d, small: nn.Conv2d, out: Chosen, taken: Chosen) -> None:
    small.weight.copy_(layer.weight[out][:, taken])
    if layer.bias is not None and small.bias is not None:
        small.bias.copy_(layer.bias[out])


def _norms(block: ConvolutionBlock) -> list[nn.BatchNorm2d]:
    return [block.first_norm, block.second_norm]


def _strongest(importance: torch.Tensor, count: int) -> Chosen:
    """Numbers of the `count` most important channels, rising."""
    return importance.detach().sort(descending=True, stable=True).indices[:count].sort().values
