"""What distinguishes one network from another: the frozen configuration that stands in the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from engine.errors import CardError

Activation = Literal["mish", "relu", "silu"]


@dataclass(frozen=True)
class NetworkConfiguration:
    """The network of the seed paper, with switches for what an ablation turns off."""

    width: int = 16
    """Channels of the first encoder stage; doubled at each stage (the paper's full width is 64)."""
    stages: int = 5
    """Encoder stages; the frame is halved `stages - 1` times, so its sides are multiples of the stride."""
    pyramid_width: int = 32
    """Channels of the pyramid levels (the paper does not say)."""
    in_channels: int = 1
    """Grey in; colour is turned to grey by the pre-processing."""
    out_channels: int = 2
    """Logits: 0 crystal, 1 contact between two crystals."""
    residual_feature_augmentation: bool = True
    """Pooled context added at the pyramid's top (AugFPN)."""
    attention_gates: bool = True
    """Gates on what the pyramid hands to the decoder."""
    activation: Activation = "mish"
    """Non-linearity of the whole network; the paper uses Mish."""
    pooling_ratios: tuple[float, ...] = (0.1, 0.2, 0.3)
    """Sides of the pooled maps of the augmentation, as fractions of the top encoder map's sides."""
    stage_channels: tuple[int, ...] = ()
    """Channels of each stage where they are not the width's doubling, finest first: a network that was pruned."""

    @property
    def stride(self) -> int:
        """Pixels by which height and width must be divisible."""
        return int(2 ** (self.stages - 1))

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each encoder stage, from the finest to the coarsest."""
        return self.stage_channels or tuple(self.width * 2**i for i in range(self.stages))

    def to_json(self) -> dict[str, Any]:
        """Give the configuration as it stands in the model card."""
        value = asdict(self) | {"pooling_ratios": list(self.pooling_ratios)}
        channels = list(value.pop("stage_channels"))
        # left out where nothing was pruned, so that versions that know of no pruning read the card
        return value | ({"stage_channels": channels} if channels else {})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> NetworkConfiguration:
        """Read the configuration from a model card; raise CardError when a name is unknown."""
        unknown = set(value) - {field.name for field in fields(cls)}
        if unknown:
            raise CardError(
                f"The model card configures the network by {sorted(unknown)}, which is unknown. "
                "Update Crystal Monitor, or use weights released for this version."
            )
        given = dict(value)
        if "pooling_ratios" in given:
            given["pooling_ratios"] = tuple(float(ratio) for ratio in given["pooling_ratios"])
        if "stage_channels" in given:
            given["stage_channels"] = tuple(int(channels) for channels in given["stage_channels"])
            wanted = int(given.get("stages", cls.stages))
            if len(given["stage_channels"]) != wanted or min(given["stage_channels"]) < 1:
                raise CardError(
                    f"The model card gives the stages {list(given['stage_channels'])} channels; {wanted} numbers above "
                    "0 are wanted. Use weights released for this version."
                )
        if given.get("activation", "mish") not in get_args(Activation):
            raise CardError(
                f"The model card names the activation {given['activation']!r}; "
                f"known are {', '.join(get_args(Activation))}. Use weights released for this version."
            )
        return cls(**given)
