"""The thresholds that ship with the weights: tuned on the training part of the ice and on simulation, their scores on
real suspensions."""

from __future__ import annotations

from engine.thresholds import Thresholds

RELEASE_THRESHOLDS = Thresholds(
    crystal=0.5, contact=0.06, minimal_area_px=16, minimal_score=0.6, small_area_px=200, small_score=0.8
)
"""By `python -m train tune`: at contact 0.06 more of the touching crystals of a dense field are parted than above, and
no lone one is cut; below, crystals of a heap fall apart. Of the bodies of 12 to 16 px² in simulated fields twelve in
thirteen were dust; and what flickers about the limit is born again and again, so small ones have to be surer.

The scores are chosen on `suspension`, where all bodies from 800 px² with a score of 0.6 to 0.7 were crystals, a little
out of focus, and of those below 200 px² with 0.75 to 0.8 hardly half; and on simulated runs, where these make up no
more births than 0.7 and, below 100 px², 0.75 did, and tell of births later: 14 s in `demo`, 33 s in `needles`."""

CALIBRATION_SHIFT = 0.3
"""Added to the crystal channel's logit when weights are released. Of -0.3 to 0.4, tried by `python -m train tune`, it
is where the reported areas of lone simulated crystals are right at every size: within 1.2 % (median) from 8 px on."""
