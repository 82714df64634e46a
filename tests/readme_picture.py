"""Draw the README's picture from what `make demo` left in its database: `python -m tests.readme_picture`.

Needs matplotlib (extra `train`). The frame is rendered anew, segmented with the shipped weights and outlined as alerts
show it; the numbers and curves are what the daemon wrote.
"""

from __future__ import annotations

import io
import sqlite3
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib import patheffects
from matplotlib import pyplot as plt
from PIL import Image

from monitor.analysis.segmenting import open_segmenter
from monitor.archive import overlay
from monitor.service.simulated_run import preset
from monitor.settings.loading import load_settings
from monitor.simulation import SimulatedMicroscope

AT_S = 1200.0
SHOWN = "SELECT elapsed_s FROM frame_log WHERE run_id = :run ORDER BY ABS(elapsed_s - :at_s) LIMIT 1"
CRYSTALS = """
SELECT crystal_id, centroid_x_px, centroid_y_px FROM growth_history
WHERE run_id = :run AND elapsed_s = :shown_s"""
CURVES = """
SELECT crystal_id, elapsed_s / 60, equivalent_diameter_um FROM growth_history
WHERE run_id = :run ORDER BY crystal_id, elapsed_s"""
STATES = (
    "SELECT elapsed_s / 60, state FROM frame_log WHERE run_id = :run AND status = 'ok' ORDER BY elapsed_s"
)
RUN = "SELECT t95_elapsed_s / 60, completed_elapsed_s / 60 FROM run_summary WHERE run_id = :run"


def label_of(labels_HW: npt.NDArray[np.int32], x_px: float, y_px: float) -> int:
    """The label whose pixels' mean lies nearest (a concave crystal may not lie at that point itself); 0: none."""
    y, x = np.nonzero(labels_HW)
    labels = labels_HW[y, x]
    pixels = np.bincount(labels)
    sums = [np.bincount(labels, weights=along) for along in (x, y)]
    known = np.flatnonzero(pixels)
    away = np.hypot(
        *(total[known] / pixels[known] - at for total, at in zip(sums, (x_px, y_px), strict=True))
    )
    return int(known[np.argmin(away)]) if known.size else 0


def main(database: str = "crystal-monitor-demo.sqlite", picture: str = "deploy/pictures/demo.png") -> None:
    """Draw `picture` from the last run of the demo's `database`."""
    asked = sqlite3.connect(f"file:{Path(database)}?mode=ro", uri=True)
    run = asked.execute("SELECT MAX(run_id) FROM run_summary").fetchone()[0]
    shown_s = asked.execute(SHOWN, {"run": run, "at_s": AT_S}).fetchone()[0]
    image = SimulatedMicroscope(preset("demo", 1)).render_only(shown_s)
    labels_HW = open_segmenter(load_settings(None)).segment(image).labels_HW

    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4.2), width_ratios=(1, 1.25), layout="constrained"
    )
    left.imshow(cv2.cvtColor(overlay(image, labels_HW), cv2.COLOR_BGR2RGB), interpolation="nearest")
    halo = patheffects.withStroke(linewidth=2, foreground="white")
    colours = {}
    for number, x, y in asked.execute(CRYSTALS, {"run": run, "shown_s": shown_s}):
        colours[number] = mpl.colors.hsv_to_rgb((label_of(labels_HW, x, y) * 47 % 180 / 180, 1.0, 0.85))
        left.text(x, y, str(number), ha="center", va="center", fontsize=7, path_effects=[halo])
    left.spines[:].set_visible(False)
    left.set(title=f"{len(colours)} crystals at {shown_s / 60:.0f} min", xticks=[], yticks=[])

    rows = np.array(asked.execute(CURVES, {"run": run}).fetchall(), float)
    for number in np.unique(rows[:, 0]).astype(int):
        of_it = rows[rows[:, 0] == number]
        right.plot(of_it[:, 1], of_it[:, 2], lw=1, color=colours.get(number, "0.6"))
    states = asked.execute(STATES, {"run": run}).fetchall()
    top = rows[:, 2].max() * 1.12
    changes = [0] + [i for i in range(1, len(states)) if states[i][1] != states[i - 1][1]] + [len(states) - 1]
    for begin, end in pairwise(changes):
        from_min, to_min = states[begin][0], states[end][0]
        right.axvspan(from_min, to_min, color="0.5", alpha=0.14 if changes.index(begin) % 2 else 0.04, lw=0)
        if to_min - from_min > 4:
            right.text(
                (from_min + to_min) / 2, top * 0.97, states[begin][1], ha="center", va="top", color="0.35"
            )
    t95_min, complete_min = asked.execute(RUN, {"run": run}).fetchone()
    for at_min, words in ((t95_min, "95 % of the area"), (complete_min, "said to be complete")):
        if at_min is None:
            continue
        right.axvline(at_min, color="0.3", lw=0.8, ls=":")
        right.text(at_min + 0.4, top * 0.03, words, rotation=90, va="bottom", color="0.3", fontsize=8)
    right.set(
        title="Growth of each",
        xlabel="min",
        ylabel="equivalent diameter, µm",
        ylim=(0, top),
        xlim=(0, states[-1][0]),
    )
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    Image.open(drawn).convert("RGB").quantize(192).save(picture, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
