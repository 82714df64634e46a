"""Time from starting the process to the first mask, cold and warm, of the real code paths.

    python tests/benchmarks/bench_start.py [--side 1024] [--rounds 3] [--json PATH]

Every start is a new process. Cold: an empty cache folder and no compiled Python modules either. Warm: the cache folder
and the modules of an earlier start. `Segmenter`: a script that opens a `Segmenter` and segments one frame; the shares
of its time are told apart. `crystal-monitor segment`: the command on one image file. Processor time tells on a busy
machine about what a quiet one would take.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from report import Report, options_of

from monitor.simulation import PRESETS, SimulatedMicroscope

COLD_LIMIT_S, WARM_LIMIT_S = 10.0, 3.0
SCRIPT = """
import json, sys, time
marks = [(time.time(), time.process_time())]
import numpy as np
from engine import Segmenter
marks.append((time.time(), time.process_time()))
segmenter = Segmenter()
marks.append((time.time(), time.process_time()))
found = segmenter.segment(np.load(sys.argv[1]))
marks.append((time.time(), time.process_time()))
print(json.dumps({
    "marks": marks, "crystals": int(found.labels_HW.max()), "torch": "torch" in sys.modules,
    "network": found.timings_s["network"],
}))
segmenter.close()
"""
SHARES = ("starting Python", "importing", "opening, compiling, parity", "first frame")


def environment(home: Path) -> dict[str, str]:
    """All caches below `home`."""
    left_out = {"CACHE_DIRECTORY", "PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"XDG_CACHE_HOME": str(home / "cache"), "PYTHONPYCACHEPREFIX": str(home / "modules")}


def script(home: Path, frame: Path) -> dict[str, float]:
    """Seconds of a start through `Segmenter`, by share."""
    begun = time.time()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(frame)], env=environment(home), check=True, capture_output=True
    )
    told = json.loads(done.stdout)
    if told["torch"]:
        raise SystemExit("torch was imported")
    if not told["crystals"]:
        raise SystemExit("no crystal was found")
    marks = [(begun, 0.0), *told["marks"]]
    figures = {"first mask": marks[-1][0] - begun, "first mask, processor": marks[-1][1]}
    for name, before, after in zip(SHARES, marks[:-1], marks[1:], strict=True):
        figures |= {name: after[0] - before[0], f"{name}, processor": after[1] - before[1]}
    return figures


def command(home: Path, image: Path, out: Path) -> tuple[float, float]:
    """Seconds, on the wall and of the processor, of `crystal-monitor segment`, the whole process."""
    begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "monitor.cli", "segment", str(image), "--out", str(out)],
        env=environment(home),
        check=True,
        capture_output=True,
    )
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def main() -> None:
    """Start processes and report."""
    parser = options_of(__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = PRESETS["dense"].model_copy(update={"width_px": options.side, "height_px": options.side})
    picture = np.ascontiguousarray(SimulatedMicroscope(settings).render_only(900.0))
    shares: dict[str, dict[str, list[float]]] = {"cold": {}, "warm": {}}
    whole: dict[str, list[tuple[float, float]]] = {"cold": [], "warm": []}
    with TemporaryDirectory() as folder:
        frame, image = Path(folder) / "frame.npy", Path(folder) / "frame.png"
        np.save(frame, picture)
        cv2.imwrite(str(image), picture)
        for number in range(options.rounds):
            for path, home in (("script", f"script-{number}"), ("command", f"command-{number}")):
                for state in ("cold", "warm"):
                    if path == "script":
                        for name, value in script(Path(folder) / home, frame).items():
                            shares[state].setdefault(name, []).append(value)
                    else:
                        whole[state].append(command(Path(folder) / home, image, Path(folder) / "out"))
    report = Report("start", f"From starting the process to the first mask, {options.side}×{options.side}")
    for state, limit in (("cold", COLD_LIMIT_S), ("warm", WARM_LIMIT_S)):
        for name, values in shares[state].items():
            most = limit if name == "first mask" else None
            report.add(f"{state}, Segmenter: {name}", statistics.median(values), "s", at_most=most)
        took, used = (statistics.median(column) for column in zip(*whole[state], strict=True))
        report.add(f"{state}, crystal-monitor segment", took, "s", at_most=limit)
        report.add(f"{state}, crystal-monitor segment, processor", used, "s")
    report.finish(options.json)


if __name__ == "__main__":
    main()
