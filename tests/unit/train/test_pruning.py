"""A pruned network is a smaller network of its kind: it says the same where what was cut said nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.errors import CardError
from engine.network import NetworkConfiguration
from engine.network.crystal_network import CrystalNetwork
from train.errors import TrainingError
from train.pruning import channels_kept, prune

SMALL = NetworkConfiguration(width=8, stages=4, pyramid_width=12)


def _network(configuration, dead=()):
    """Random weights and statistics; of each stage all layers' channels from number `dead[stage]` on say nothing."""
    torch.manual_seed(3)
    network = CrystalNetwork(configuration).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if "norm" in name and tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.5)
            elif name.endswith("bias"):
                tensor.copy_(0.1 * torch.randn_like(tensor))
        for stage, living in enumerate(dead):
            blocks = [network.encoder[stage]]
            if stage < len(network.decoder):
                blocks.append(network.decoder[stage])
                network.upsampling[stage].weight[:, living:] = 0
                network.upsampling[stage].bias[living:] = 0
            else:
                network.top.weight[living:] = 0
                network.top.bias[living:] = 0
            for block in blocks:
                for norm in (block.first_norm, block.second_norm):
                    norm.weight[living:] = 0
                    norm.bias[living:] = 0
        if dead and isinstance(network.narrowing[0], torch.nn.Conv2d):
            network.narrowing[0].weight[dead[0] :] = 0
            network.narrowing[0].bias[dead[0] :] = 0
        if dead:
            for gate in network.gates or ():
                gate.psi.weight[:, max(8, gate.psi.in_channels // 2) :] = 0
    return network


@pytest.mark.parametrize("gates", [True, False])
@pytest.mark.parametrize("augmented", [True, False])
def test_what_said_nothing_can_be_cut(gates, augmented):
    living = (4, 12, 20, 36)
    configuration = replace(SMALL, attention_gates=gates, residual_feature_augmentation=augmented)
    network = _network(configuration, dead=living)
    image = torch.randn(1, 1, 64, 80)
    small = prune(network, living).eval()
    assert small.configuration.channels == living
    with torch.no_grad():
        expected = network(image)
        assert torch.allclose(small(image), expected, atol=1e-4)
        assert not torch.allclose(_network(configuration)(image), expected, atol=1e-2)  # the control
    assert sum(p.numel() for p in small.parameters()) < 0.6 * sum(p.numel() for p in network.parameters())


def test_nothing_cut_is_the_same_network():
    network, image = _network(SMALL), torch.randn(1, 1, 64, 64)
    same = prune(network, SMALL.channels).eval()
    with torch.no_grad():
        assert torch.equal(same(image), network(image))
    assert channels_kept(network, 1.0) == SMALL.channels
    # of channels that are alike, each stage loses the same share
    assert channels_kept(CrystalNetwork(SMALL), 0.5) == (4, 8, 16, 32)


def test_a_stage_as_wide_as_the_pyramid_can_be_cut():
    """Then nothing narrowed what the pyramid hands over, and a layer has to choose from it."""
    configuration = replace(SMALL, pyramid_width=8)
    network = _network(configuration)
    small = prune(network, (4, 12, 20, 36)).eval()
    with torch.no_grad():
        assert torch.isfinite(small(torch.randn(1, 1, 64, 64))).all()
    chosen = small.narrowing[0].weight[..., 0, 0]
    assert torch.equal(chosen.sum(1), torch.ones(4))
    assert chosen.max() == 1


def test_stages_lose_what_they_can_spare():
    network = _network(SMALL)
    with torch.no_grad():  # the coarsest stage has a few strong channels, the others are alike
        for norm in (network.encoder[-1].first_norm, network.encoder[-1].second_norm):
            norm.weight.copy_(torch.linspace(1, 0.001, len(norm.weight)) ** 4)
    kept = channels_kept(network, 0.6)
    shares = [after / before for after, before in zip(kept, SMALL.channels, strict=True)]
    assert shares[-1] == min(shares) < 0.6
    assert all(count % 4 == 0 for count in kept)
    with pytest.raises(TrainingError, match="above 0"):
        channels_kept(network, 0.0)
    with pytest.raises(TrainingError, match="cannot be cut"):
        prune(network, (99, 16, 32, 64))


def test_the_card_knows_the_channels_and_old_cards_say_nothing_of_them():
    assert "stage_channels" not in SMALL.to_json()
    pruned = replace(SMALL, stage_channels=(4, 12, 20, 36))
    assert NetworkConfiguration.from_json(pruned.to_json()) == pruned
    with pytest.raises(CardError, match="4 numbers above 0"):
        NetworkConfiguration.from_json(pruned.to_json() | {"stage_channels": [4, 0, 20, 36]})
