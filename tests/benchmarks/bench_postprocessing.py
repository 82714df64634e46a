"""Probabilities to all columns of growth_history, 2,000 crystals at 2048×2048, against scikit-image in the same run.

    python tests/benchmarks/bench_postprocessing.py [--rounds 5] [--side 2048] [--crystals 2000] [--json PATH]

Ours: `engine.postprocess` and `monitor.measure`. The peer: watershed on the distance transform and
`regionprops_table`, once with the columns that scikit-image has built in and once with the same columns as ours.
"""

from __future__ import annotations

from dense_scene import dense_scene
from report import Report, by_turns, options_of
from scikit_image_peer import all_columns, own_columns, watershed_of

from engine.postprocess import postprocess
from engine.thresholds import Thresholds
from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings

LIMIT = 30.0


def main() -> None:
    """Measure by turns and report."""
    parser = options_of(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--crystals", type=int, default=2000)
    options = parser.parse_args()
    scene = dense_scene(options.side, options.crystals)
    limits, settings = Thresholds(contact=0.06), MeasuringSettings()
    found = postprocess(scene.crystal_HW, scene.contact_HW, limits)
    parted = watershed_of(scene.crystal_HW)

    def ours() -> object:
        bodies = postprocess(scene.crystal_HW, scene.contact_HW, limits)
        return measure(bodies.labels_HW, scene.crystal_HW, bodies.scores, 0.5, settings)

    times = by_turns(
        {
            "postprocess and measure": ours,
            "engine.postprocess": lambda: postprocess(scene.crystal_HW, scene.contact_HW, limits),
            "monitor.measure": lambda: measure(
                found.labels_HW, scene.crystal_HW, found.scores, 0.5, settings
            ),
            "skimage watershed": lambda: watershed_of(scene.crystal_HW),
            # Measured on our labels, so that both measure the same crystals.
            "regionprops_table, built-in columns": lambda: own_columns(found.labels_HW, scene.crystal_HW),
            "regionprops_table, the same columns": lambda: all_columns(found.labels_HW, scene.crystal_HW),
        },
        options.rounds,
    )
    report = Report("postprocessing", f"Post-processing and measuring, {options.side}×{options.side}")
    report.add("crystals", len(found.scores))
    report.add("crystals, skimage watershed", int(parted.max()))
    for name, each in times.items():
        report.add(f"{name}, wall", each.median_s * 1e3, "ms")
        report.add(f"{name}, processor", each.median_processor_s * 1e3, "ms")
    mine, watershed = times["postprocess and measure"], times["skimage watershed"]
    for columns, limit in (("built-in columns", None), ("the same columns", LIMIT)):
        table = times[f"regionprops_table, {columns}"]
        peer = type(mine)(
            [a + b for a, b in zip(watershed.wall_s, table.wall_s, strict=True)],
            [a + b for a, b in zip(watershed.processor_s, table.processor_s, strict=True)],
        )
        report.add(f"times as fast as skimage, {columns}", mine.times_as_fast_as(peer), "×", at_least=limit)
        report.add(f"the same of processor time, {columns}", mine.processor_times_as_fast_as(peer), "×")
    report.finish(options.json)


if __name__ == "__main__":
    main()
