"""What a training run is made of: one frozen value, saved with the weights that it made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Configuration(BaseModel):
    """A frozen group; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class AugmentationConfiguration(Configuration):
    """The seed paper's list: each with its probability a crop and its range."""

    brightness_contrast: float = Field(default=0.5, ge=0, le=1)
    """Probability of a change of brightness and contrast."""
    contrast_low: float = Field(default=0.5, gt=0)
    """Least factor on the distance of a grey level from 128."""
    contrast_high: float = Field(default=1.4, gt=0)
    """Greatest factor on the distance of a grey level from 128."""
    brightness_levels: float = Field(default=50.0, ge=0)
    """Greatest shift of brightness to either side, 8-bit grey levels."""
    gamma: float = Field(default=0.3, ge=0, le=1)
    """Probability of a gamma curve."""
    gamma_low: float = Field(default=0.6, gt=0)
    """Least exponent."""
    gamma_high: float = Field(default=1.6, gt=0)
    """Greatest exponent."""
    blur: float = Field(default=0.3, ge=0, le=1)
    """Probability of a Gaussian blur."""
    blur_low_px: float = Field(default=0.3, gt=0)
    """Least standard deviation of the blur, px."""
    blur_high_px: float = Field(default=1.5, gt=0)
    """Greatest standard deviation of the blur, px."""
    jitter: float = Field(default=0.1, ge=0, le=1)
    """Probability of jitter (motion blur along a row or a column)."""
    jitter_low_px: int = Field(default=3, ge=1)
    """Least length of the motion, px."""
    jitter_high_px: int = Field(default=7, ge=1)
    """Greatest length of the motion, px."""
    noise: float = Field(default=0.4, ge=0, le=1)
    """Probability of Gaussian noise."""
    noise_low_levels: float = Field(default=1.0, ge=0)
    """Least standard deviation of the noise, 8-bit grey levels."""
    noise_high_levels: float = Field(default=10.0, ge=0)
    """Greatest standard deviation of the noise, 8-bit grey levels."""
    slope: float = Field(default=0.3, ge=0, le=1)
    """Probability of a linear slope of the light across the crop."""
    slope_high: float = Field(default=0.5, ge=0)
    """Greatest slope, change of the light from edge to edge relative to the centre's."""
    mirror: float = Field(default=0.5, ge=0, le=1)
    """Probability of a mirroring; with the quarter turns all eight orientations are alike likely."""
    turns: bool = True
    """Whether crops are turned by quarters (exact for labels, unlike turns between)."""


class MixConfiguration(Configuration):
    """Where crops come from."""

    ice_share: float = Field(default=0.25, ge=0, le=1)
    """Share of crops from the real ice frames, where their folder is given."""
    ice_zoom_low: float = Field(default=0.66, gt=0)
    """Least magnification of an ice crop."""
    ice_zoom_high: float = Field(default=2.0, gt=0)
    """Greatest magnification of an ice crop; drawn log-uniformly."""
    reduced_share: float = Field(default=0.25, ge=0, le=1)
    """Share of simulated crops that are rendered larger and reduced to the crop (zoom out)."""
    reduced_from_px: int = Field(default=384, ge=64)
    """Side at which those are rendered, px."""
    family_weights: dict[str, float] = Field(default_factory=dict)
    """Share of each family of the simulator's stills; empty: the simulator's own weights."""


class LossConfiguration(Configuration):
    """Weighted binary cross-entropy plus soft Dice, on each of the two channels, and terms beyond the paper."""

    crystal_positive_weight: float = Field(default=1.0, gt=0)
    """Positive weight of the crystal channel; undone when weights are released."""
    contact_positive_weight: float = Field(default=4.0, gt=0)
    """Positive weight of the contact channel."""
    contact_share: float = Field(default=1.0, ge=0)
    """Weight of the contact channel's loss relative to the crystal channel's."""
    dice_share: float = Field(default=0.1, ge=0)
    """Weight of the crystal channel's Dice term relative to its cross-entropy; it biases probabilities."""
    contact_dice_share: float = Field(default=0.5, ge=0)
    """The same of the contact channel, where a rare class needs it and no area is measured."""
    boundary_share: float = Field(default=0.0, ge=0)
    """Weight of the boundary loss of the crystal channel (probability times signed distance to the true edge)."""
    distance_share: float = Field(default=1.0, ge=0)
    """Weight of the distance head's error, for a network that has the head."""
    contact_width_px: int = Field(default=5, ge=3)
    """Diameter of the disc that must meet two labels for a pixel to be contact, px (odd)."""


class OptimiserConfiguration(Configuration):
    """Adam, with a linear warm-up and a decay; an average of the weights is what is kept."""

    decay_of: Literal["weights", "gradient", "learning_rate"] = "weights"
    """What `decay` takes from: the weights (AdamW, decoupled), the weights through the gradient (Adam with an L2
    term), or the learning rate at each step, 1/(1 + decay·step), the weights being left alone (the paper gives a
    decay and does not say of what)."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """How the learning rate goes from its greatest to `final_share` of it; constant: not at all."""
    learning_rate: float = Field(default=2e-3, gt=0)
    """Greatest learning rate."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Decay of the mean of the gradient."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """Decay of the mean of its square."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """The decay; `decay_of` says of what."""
    warm_up_steps: int = Field(default=100, ge=1)
    """Steps of the linear warm-up."""
    final_share: float = Field(default=0.02, ge=0, le=1)
    """Learning rate at the end relative to the greatest."""
    gradient_norm: float = Field(default=1.0, gt=0)
    """Norm at which gradients are clipped."""
    average_decay: float = Field(default=0.998, ge=0, lt=1)
    """Decay of the exponential moving average of the weights; 0: the last weights are kept."""


class StoppingConfiguration(Configuration):
    """When a run is looked at on its validation part, and when that ends it."""

    every_steps: int = Field(default=0, ge=0)
    """Steps between looks; 0: it never is, and the last weights are kept."""
    patience: int = Field(default=0, ge=0)
    """Looks without a better one after which the run ends; 0: it runs to its end. The best weights are kept."""


class TrainingConfiguration(Configuration):
    """A whole run."""

    recipe: str = "first-weights"
    """Name of the recipe that made this configuration."""
    network: str = "ours"
    """Name of the network in `train.networks`."""
    width: int = Field(default=16, ge=1)
    """Channels of the network's first stage."""
    stage_channels: tuple[int, ...] = Field(default=(), exclude_if=lambda channels: not channels)
    """Channels of each stage of `ours` where they are not the width's doubling, finest first: it was pruned. Left out
    of what is written where it is empty, so that plans keep their hashes."""
    crop_px: int = Field(default=256, ge=32, multiple_of=16)
    """Side of a crop, px."""
    batch: int = Field(default=4, ge=1)
    """Crops a step."""
    steps: int = Field(default=6000, ge=1)
    """Steps of the whole run; the learning rate decays over them."""
    seed: int = Field(default=0, ge=0)
    """Seed of weights and crops: crop number n depends on the seed and n alone."""
    half_precision: bool = True
    """Whether the network is computed in bfloat16 (the losses and weights never are)."""
    frozen_statistics: bool = Field(default=False, exclude_if=lambda frozen: not frozen)
    """Whether batch normalisation keeps the means and variances that the run starts with, in training too. Left out of
    what is written where it is false, for the same reason."""
    adversarial_levels: float = Field(default=0.0, ge=0)
    """Adversarial training: each step also learns from its images moved by this much against the loss (the sign of
    the gradient, in units of the normalised image; 0: off)."""
    teacher_share: float = Field(default=0.0, ge=0, le=1)
    """Distillation: share of the targets that are a teacher's probabilities (0: the labels alone)."""
    augmentation: AugmentationConfiguration = AugmentationConfiguration()
    """How crops are varied."""
    mix: MixConfiguration = MixConfiguration()
    """Where crops come from."""
    loss: LossConfiguration = LossConfiguration()
    """What is minimised."""
    optimiser: OptimiserConfiguration = OptimiserConfiguration()
    """How."""
    stopping: StoppingConfiguration = StoppingConfiguration()
    """When to stop early."""

    @property
    def network_in_words(self) -> str:
        """Network and width, such as `ours at width 16`; weights fit where this is the same."""
        pruned = f", pruned to {self.stage_channels}" if self.stage_channels else ""
        return f"{self.network} at width {self.width}{pruned}"
