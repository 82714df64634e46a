"""The widths at which every network costs what ours does, written down once."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from train.configuration import Configuration
from train.errors import TrainingError
from train.networks.cost import Cost, cost_of, match
from train.networks.registry import NETWORKS

WRITTEN_DOWN = Path(__file__).resolve().parent.parent / "results" / "matched-cost.json"
"""The search's result, made by `python -m train networks --write`."""
OUR_WIDTH = 16
"""Width of the network that the others are held against."""


class MatchedCosts(Configuration):
    """The result of the search."""

    gflops: float
    """Cost of ours, 10⁹ operations for a frame of 256×256."""
    networks: tuple[Cost, ...] = Field(min_length=1)
    """Each network at its width."""

    def of(self, network: str) -> Cost:
        """Cost of a network by name; raises `TrainingError` if the search was made without it."""
        for cost in self.networks:
            if cost.network == network:
                return cost
        raise TrainingError(f"no width is written down for {network}: run `python -m train networks --write`")


def search() -> MatchedCosts:
    """Ours at its width, and every other network at the width that costs as nearly the same as can be.

    Ours with parts left out or exchanged keep its width: what a part costs belongs to what it is worth.
    """
    gflops = cost_of("ours", OUR_WIDTH).gflops
    costs = [
        cost_of(name, OUR_WIDTH) if name.startswith("ours") else match(name, gflops) for name in NETWORKS
    ]
    return MatchedCosts(gflops=gflops, networks=tuple(costs))


def read(path: Path = WRITTEN_DOWN) -> MatchedCosts:
    """What was written down; raises `TrainingError` if it cannot be read."""
    try:
        return MatchedCosts.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise TrainingError(f"no matched costs at {path}: run `python -m train networks --write`") from error
