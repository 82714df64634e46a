"""The thresholds that ship with the weights, as tuned on the training part of the ice and on simulation."""

from __future__ import annotations

from engine.thresholds import Thresholds

RELEASE_THRESHOLDS = Thresholds(crystal=0.5, contact=0.06)
"""By `python -m train tune`: at contact 0.06 a third more of the touching crystals of a dense field are parted
than at 0.5, and no lone one is cut."""

CALIBRATION_SHIFT = 0.2
"""Added to the crystal channel's logit when weights are released: what the Dice term leaves of a bias after the
positive weight is undone. At 0.2 lone simulated crystals of 20 px and more have no bias of area in the tuning's median,
by count of pixels and by the sub-pixel area of the probabilities alike."""
