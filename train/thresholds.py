"""The thresholds that ship with the weights, as tuned on the training part of the ice and on simulation."""

from __future__ import annotations

from engine.thresholds import Thresholds

RELEASE_THRESHOLDS = Thresholds(crystal=0.47, contact=0.06)
"""By `python -m train tune`: at 0.06 a third more of the touching crystals of a dense field are parted than at
0.5, and no lone one is cut; at 0.47 lone crystals of 20 px and more are right in area to 2 % in the median."""
