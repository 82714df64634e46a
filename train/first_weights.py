"""The recipe of the first weights: simulation, and the ice frames where their folder is given."""

from __future__ import annotations

from train.configuration import MixConfiguration, TrainingConfiguration

FAMILY_WEIGHTS = {
    "suspension": 4.0,
    "grains": 2.0,
    # Low contrast is what a network learns last: with the simulator's own share it had learned
    # nothing of films after 800 steps.
    "film": 5.0,
    "needles": 1.0,
    "plates": 1.0,
    "drops": 1.0,
    "empty": 0.7,
}
"""Share of each family among the simulated crops."""


def first_weights(steps: int = 16000, seed: int = 0, width: int = 16) -> TrainingConfiguration:
    """The complete configuration of the run that makes the weights that ship."""
    mix = MixConfiguration(ice_share=0.15, family_weights=FAMILY_WEIGHTS)
    return TrainingConfiguration(recipe="first-weights", width=width, steps=steps, seed=seed, mix=mix)
