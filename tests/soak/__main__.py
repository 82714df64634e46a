"""`python -m tests.soak undisturbed|kills [--frames N] [--json FILE]`: see README.md."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.figures import FULL, SHORT
from tests.soak.kills import kills
from tests.soak.report import Report, file_system
from tests.soak.station import INTERVAL_S, SIDE_PX
from tests.soak.undisturbed import undisturbed

FULL_LENGTH = 200_000


def main() -> int:
    """0 where the soak passed, 1 where it did not."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the station is stopped in order
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("kind", choices=("undisturbed", "kills"))
    parser.add_argument("--frames", type=int, default=FULL_LENGTH, help="frames that the camera gives")
    parser.add_argument("--json", type=Path, help="where the report is written, anew every half a minute")
    parser.add_argument(
        "--folder", type=Path, help="where the station lives; kept. Default: temporary, removed"
    )
    parser.add_argument("--runs", type=int, default=8, help="experiments that the frames are shared out to")
    parser.add_argument("--no-readers", action="store_true", help="undisturbed: nobody reads meanwhile")
    parser.add_argument("--policy", choices=("lossless", "latest"), default="lossless", help="of kills")
    parser.add_argument("--pace", type=float, help="of kills: most frames a second; `latest` needs one")
    parser.add_argument("--seed", type=int, default=1, help="of the disturbances")
    given = parser.parse_args()
    report = Report(given.kind, given.frames, given.json)
    limits = FULL if given.frames >= FULL_LENGTH // 2 else SHORT
    with tempfile.TemporaryDirectory(prefix="cm-") as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report.about |= {
            "frame_px": SIDE_PX,
            "seconds_between_frames": INTERVAL_S,
            "runs": given.runs,
            "file_system": file_system(folder),
        }
        begun_s = time.monotonic()
        if given.kind == "undisturbed":
            undisturbed(folder, report, runs=given.runs, readers=not given.no_readers, limits=limits)
        else:
            if given.policy == "latest" and given.pace is None:
                parser.error("a camera that nobody waits for needs a pace: --pace 60")
            report.about |= {"policy": given.policy, "pace": given.pace}
            kills(
                folder,
                report,
                runs=given.runs,
                policy=given.policy,
                seed=given.seed,
                limits=limits,
                frames_per_s=given.pace,
            )
        report.about["minutes"] = round((time.monotonic() - begun_s) / 60, 1)
        report.save()
    print(report.lines())
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
