"""Both soaks, short: the same conditions, with limits that suit a few hundred frames on a busy machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.figures import SHORT
from tests.soak.kills import kills
from tests.soak.report import Report
from tests.soak.undisturbed import undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_undisturbed_nothing_grows_and_the_ledger_is_exact(short_folder: Path) -> None:
    report = Report("undisturbed", 1500, short_folder / "report.json")
    undisturbed(short_folder, report, runs=2, readers=True, limits=SHORT)
    figures = report.figures
    assert figures["runs"].value == 2, "the control: a new run was begun in the middle"
    assert figures["ended"].value >= 20, "the control: crystals came and went"
    readers = [name for name in figures if name.endswith("_questions")]
    assert len(readers) >= 3, "the control: several readers asked"
    assert all(figures[name].value >= 1 for name in readers)
    assert {"analyze_own_growth", "grab_own_growth", "frame_median_ratio"} <= figures.keys()
    assert report.passed, report.lines()


@pytest.mark.parametrize("policy", ["lossless", "latest"])
def test_kills_lose_nothing_committed(policy: str, short_folder: Path) -> None:
    report = Report("kills", 450, short_folder / "report.json")
    kills(
        short_folder,
        report,
        runs=2,
        policy=policy,
        seed=3,
        limits=SHORT,
        frames_per_s=25,
        pause_s=(1.0, 4.0),
    )
    assert report.figures["disturbances"].value >= 4, "the control: it was not left in peace"
    assert report.figures["sessions"].value >= 2, "the control: grabbers were killed"
    assert report.figures["ended"].value >= 3, "the control: crystals came and went"
    assert report.passed, report.lines()
