"""The engine's network, whole, with parts left out, and with options beyond the paper."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from engine.network import NetworkConfiguration
from engine.network.crystal_network import CrystalNetwork
from train.networks.trainee import DenseTrainee
from train.networks.transformer import TransformerBlock

WHOLE = NetworkConfiguration()
"""The network that ships."""
CHANNELS_OF_DISTANCE = 3
"""Output channels of the network with a distance head."""


def ours(configuration: NetworkConfiguration, width: int) -> DenseTrainee:
    """The network of a configuration at a width."""
    wide = replace(configuration, width=width)
    return DenseTrainee(CrystalNetwork(wide), wide.stride)


def ours_with_transformer(width: int) -> DenseTrainee:
    """The whole network with a transformer block after the coarsest encoder stage."""
    trainee = ours(WHOLE, width)
    network = trainee.module
    assert isinstance(network, CrystalNetwork)
    network.encoder[-1] = nn.Sequential(
        network.encoder[-1], TransformerBlock(network.configuration.channels[-1])
    )
    return trainee
