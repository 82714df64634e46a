"""How good a segmentation is: every measure that the project reports, defined once.

Counts of frames add up, so that a figure is pooled over frames and an interval comes from resampling them. What
torchmetrics and pycocotools have is held to them in the tests, on random scenes.
"""

from train.metrics.scores import Scores
from train.metrics.sheet import FrameCounts, ScoreSheet

__all__ = ["FrameCounts", "ScoreSheet", "Scores"]
