"""The sizes in which our network is trained for release, and what a card says before anybody has looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.network import NetworkConfiguration


@dataclass(frozen=True)
class Model:
    """A size of our network.

    Attributes:
        width: channels of its first stage.
        machine: what it is meant for.
        gflops: 10⁹ operations for a frame of 256×256 (a multiplication and an addition are two).
        parameters: numbers that are learned.
    """

    width: int
    machine: str
    gflops: float
    parameters: int


MODELS = {
    "small": Model(16, "a processor", 5.956, 1_872_425),
    "rtx": Model(32, "an RTX card", 22.019, 7_229_257),
    "full": Model(64, "an RTX card; the seed paper's full width", 85.351, 28_420_073),
}
"""Every size by its name; a test counts them again."""

_BY_PARAMETERS = "{made}; {gflops:.1f} GFLOP for a frame of 256×256, {millions:.1f} M parameters"


def notes_of(network: NetworkConfiguration, with_ice: bool) -> str:
    """What the card of weights says that are not the shipped ones: what they are, and what is to be filled in."""
    made = f"Width {network.width}"
    size = next((model for model in MODELS.values() if model.width == network.width), None)
    if network.stage_channels:
        made += f", pruned to stages of {', '.join(map(str, network.stage_channels))} channels"
    elif size:
        made += f", meant for {size.machine}"
        made = _BY_PARAMETERS.format(made=made, gflops=size.gflops, millions=size.parameters / 1e6)
    ice = " and on the left half of ice-coarsening frames 2 to 23" if with_ice else ""
    return (
        f"{made}. Trained on simulated bright-field stills{ice}. Area counts to the outer edge of the dark rim. "
        "Failures have not been looked at one by one: look at the overlays of `python -m train evaluate --overlays` "
        "before these weights serve, and write here what they show."
    )
