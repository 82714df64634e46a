"""The networks that are trained and compared, behind one registry."""

from train.networks.registry import NETWORKS, NetworkKind, build, build_configured
from train.networks.trainee import Trainee

__all__ = ["NETWORKS", "NetworkKind", "Trainee", "build", "build_configured"]
