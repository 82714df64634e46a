"""Change-gated inference against inferring every frame whole, in the same run.

    python tests/benchmarks/bench_change_gate.py [--rounds 5] [--side 2048] [--costs-only] [--json PATH]

An unchanged frame is the same field with other noise, flicker and vibration; in a changed one a crystal was born in
the middle of one tile. Counted is the network's part of `segment`: normalising, comparing, inferring, blending.
Then whole runs, simulated and real, with and without the gate: tiles saved, areas, identities (some minutes).
"""

from __future__ import annotations

import csv
import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from gated_runs import Image, Timed, difference, filmed, simulated, watch
from report import Report, options_of

from engine import ChangeGate, Segmentation, Segmenter
from monitor.records import RunState
from monitor.settings.simulation import SimulationSettings
from monitor.simulation import PRESETS, SimulatedMicroscope

UNCHANGED_LIMIT, CHANGED_LIMIT = 0.05, 1.5
AREA_LIMIT = 0.005
ROOT = Path(__file__).resolve().parents[2]
VIBRATION_PX = 0.1
AGELESS_S = 1e9


def still_field(side_px: int, seeds: int) -> SimulationSettings:
    """Crystals that do not grow, under a lamp that flickers and on a table that trembles."""
    static = PRESETS["static"]
    return static.model_copy(
        update={
            "width_px": side_px,
            "height_px": side_px,
            "nucleation": static.nucleation.model_copy(update={"seeds": seeds}),
            "optics": static.optics.model_copy(update={"vibration_px": VIBRATION_PX}),
        }
    )


def with_newborn(image: Image, x: int, y: int) -> Image:
    """The image with a small dark-rimmed crystal."""
    changed = image.copy()
    cv2.circle(changed, (x, y), 5, 60, -1, cv2.LINE_AA)
    return changed


def network_s(found: Segmentation) -> float:
    """Seconds of the network's part."""
    return found.timings_s["preprocess"] + found.timings_s["network"]


def main() -> None:
    """Measure by turns and report."""
    parser = options_of(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--costs-only", action="store_true")
    options = parser.parse_args()
    report = Report("change_gate", f"Change-gated inference, {options.side}×{options.side}")
    scope = SimulatedMicroscope(still_field(options.side, options.side**2 // 10_000))
    plain = Segmenter(threads=options.threads)
    for name, gate in (("", ChangeGate(AGELESS_S)), (" (512 px)", ChangeGate(AGELESS_S, tile_px=512))):
        bench_costs(report, name, scope, plain, Segmenter(threads=options.threads, gate=gate), options.rounds)
    if not options.costs_only:
        bench_runs(report)
    report.finish(options.json)


def bench_costs(
    report: Report, name: str, scope: SimulatedMicroscope, plain: Segmenter, gated: Segmenter, rounds: int
) -> None:
    """Seconds of whole, unchanged and partly changed frames."""
    seconds: dict[str, list[float]] = defaultdict(list)
    first = gated.segment(scope.render_only(0.0), at_s=0.0)
    middle = round(0.5 * scope.settings.width_px) + 40
    inferred = []
    for turn in range(rounds + 1):
        moment = 10.0 * (turn + 1)
        image = scope.render_only(moment)
        seconds["whole"].append(network_s(plain.segment(image)))
        gated.forget()
        seconds["whole, gated"].append(network_s(gated.segment(image, at_s=moment)))
        for step in (1, 2, 3):
            same = gated.segment(scope.render_only(moment + step), at_s=moment + step)
            if step > 1:
                # The first comparison makes the tiles ready; it is counted with the frame that inferred them.
                seconds["unchanged"].append(network_s(same))
            else:
                seconds["first comparison"].append(network_s(same))
        changed = gated.segment(with_newborn(scope.render_only(moment + 4), middle, middle), at_s=moment + 4)
        inferred.append(changed.tiles - len(changed.kept_xywh_px))
        seconds["changed"].append(network_s(changed) / inferred[-1])
        assert turn or len(same.kept_xywh_px) == same.tiles, "the control: nothing changed"
    median = {what: statistics.median(values[1:]) for what, values in seconds.items()}
    tile_s = median["whole, gated"] / first.tiles
    report.add(f"tiles{name}", first.tiles)
    report.add(f"inferred whole, without a gate{name}", median["whole"] * 1e3, "ms")
    report.add(f"inferred whole, with a gate{name}", median["whole, gated"] * 1e3, "ms")
    report.add(f"unchanged{name}", median["unchanged"] * 1e3, "ms")
    report.add(f"unchanged, first time{name}", median["first comparison"] * 1e3, "ms")
    report.add(f"changed, per tile inferred{name}", median["changed"] * 1e3, "ms")
    report.add(f"tiles inferred where a crystal was born{name}", float(np.median(inferred)))
    report.add(f"unchanged over whole{name}", median["unchanged"] / median["whole"], at_most=UNCHANGED_LIMIT)
    report.add(f"changed tile over a tile's worth{name}", median["changed"] / tile_s, at_most=CHANGED_LIMIT)


def bench_runs(report: Report) -> None:
    """Whole runs with and without the gate: what is saved, and that it changes nothing."""
    demo, ripening = PRESETS["demo"], PRESETS["ripening"]
    runs: dict[str, tuple[Callable[[], Iterator[Timed]], ChangeGate]] = {
        "static": (lambda: simulated(still_field(512, 30), np.arange(0, 800, 5.0)), ChangeGate()),
        "demo": (lambda: simulated(demo, np.arange(0, 3600, 20.0)), ChangeGate(60.0)),
        "ripening": (lambda: simulated(ripening, np.arange(0, 600, 10.0)), ChangeGate(60.0)),
    }
    data = Path(os.environ.get("CRYSTAL_MONITOR_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if (data / "README.md").is_file():
        with (data / "film-growth" / "timestamps.csv").open(encoding="utf-8") as file:
            times_s = [float(row["seconds"]) for row in csv.DictReader(file)]
        runs["film"] = (lambda: filmed(data / "film-growth" / "frames", times_s), ChangeGate())
        runs["ice"] = (lambda: filmed(data / "ice-coarsening" / "frames", np.arange(32) * 2.0), ChangeGate())
    for name, (frames, gate) in runs.items():
        plain, gated = watch(frames(), None, 0.5), watch(frames(), gate, 0.5)
        found = difference(gated, plain)
        early = RunState.COMPLETE in gated.states() and RunState.COMPLETE not in plain.states()
        report.add(f"{name}: tiles saved", gated.saved)
        report.add(
            f"{name}: total area, largest difference", float(np.abs(found.total).max()), at_most=AREA_LIMIT
        )
        report.add(
            f"{name}: crystals' mean areas, median difference",
            float(np.median(np.abs(found.crystal))),
            at_most=AREA_LIMIT,
        )
        report.add(
            f"{name}: crystals' mean areas, 95th percentile", float(np.percentile(np.abs(found.crystal), 95))
        )
        report.add(
            f"{name}: points under another number, pairs that fused aside",
            found.strangers_apart / max(found.points, 1),
            at_most=AREA_LIMIT,
        )
        report.add(f"{name}: false completions", float(early), at_most=0)


if __name__ == "__main__":
    main()
