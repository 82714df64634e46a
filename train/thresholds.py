"""The thresholds that ship with the weights, as tuned on the training part of the ice and on simulation."""

from __future__ import annotations

from engine.thresholds import Thresholds

RELEASE_THRESHOLDS = Thresholds()
