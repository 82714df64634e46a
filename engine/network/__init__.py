"""The network. Importing the package is light; `engine.network.crystal_network` is what imports torch."""

from engine.network.configuration import Activation, NetworkConfiguration

__all__ = ["Activation", "NetworkConfiguration"]
