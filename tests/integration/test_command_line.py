"""Reading, exporting and segmenting through the real command line, over one small recorded run."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import sqlite3
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.settings.simulation import GrowthPhysics, Nucleation, SimulationSettings
from monitor.simulation import SimulatedMicroscope
from tests.integration.command_line import Answer, Call, run, run_all, start

FRAMES = 10
FIELD = SimulationSettings(
    width_px=256,
    height_px=256,
    growth=GrowthPhysics(mode="growing", rate_um_per_s=0.02),
    nucleation=Nucleation(rate_per_mm2_s=0, seeds=5, seed_diameter_um=14, seed_spacing=2.0),
)
VIEWS = ("run_summary", "frame_log", "growth_history", "trail_summary", "csd", "event_log")
WRITING = {
    "insert": "INSERT INTO run (run_id, name) VALUES (9, 'mine')",
    "update": "UPDATE run SET name = 'mine'",
    "delete": "DELETE FROM event",
    "drop": "DROP VIEW run_summary",
    "create": "CREATE TABLE mine (a)",
    "attach": "ATTACH DATABASE 'other.sqlite' AS other",
    "detach": "DETACH DATABASE main",
    "pragma": "PRAGMA user_version = 7",
    "journal": "PRAGMA journal_mode = DELETE",
    "vacuum": "VACUUM INTO 'copy.sqlite'",
    "two": "SELECT 1; DELETE FROM event",
    "with": "WITH a AS (SELECT 1) DELETE FROM event",
    "begin": "BEGIN IMMEDIATE",
    "extension": "SELECT load_extension('x')",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ten images and the database of their replay."""
    made = tmp_path_factory.mktemp("run")
    (made / "images").mkdir()
    scope = SimulatedMicroscope(FIELD)
    for number in range(FRAMES):
        cv2.imwrite(str(made / "images" / f"{number:02d}.png"), scope.render_only(number * 20.0))
    answer = run(
        made, "replay", "images", "--interval-s", 20, "--um-per-px", 0.5, "--database", "sqlite:///trails.sqlite",
        "--name", "ten", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer
    summary = json.loads(answer.output)
    assert (summary["name"], summary["frames_ok"]) == ("ten", FRAMES)
    assert summary["crystals"] >= 3, "the control: crystals were followed"
    return made


def contents(folder: Path) -> list[str]:
    """All that the database holds."""
    connection = sqlite3.connect(f"file:{folder}/trails.sqlite?mode=ro", uri=True)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def ask(folder: Path, calls: dict[str, tuple[object, ...]]) -> dict[str, Answer]:
    made: dict[str, Call] = {
        name: ((*arguments, "--database", "sqlite:///trails.sqlite"), {}) for name, arguments in calls.items()
    }
    return run_all(folder, made)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_reads_gives_tables_and_json(folder: Path) -> None:
    sql = "SELECT crystal_id, MAX(area_um2) AS area_um2 FROM growth_history GROUP BY 1 ORDER BY 1"
    asked: dict[str, tuple[object, ...]] = {
        "runs": ("runs",),
        "trails": ("trails", "last"),
        "trails by name": ("trails", "ten"),
        "growth": ("growth", "1", "1"),
        "events": ("events",),
        "explain": ("explain",),
        "query": ("query", sql),
    }
    both = asked | {f"{name}, json": (*arguments, "--json") for name, arguments in asked.items()}
    answers = ask(folder, {**both, "other field": ("trails", "last", "--field", "B2", "--json")})
    rows = {name: json.loads(answers[f"{name}, json"].output) for name in asked}
    for name, answer in answers.items():
        assert (answer.code, answer.error) == (0, ""), (name, answer)
    assert [row["name"] for row in rows["runs"]] == ["ten"]
    assert rows["trails"] == rows["trails by name"]
    crystals = [row["crystal_id"] for row in rows["trails"]]
    assert [row["crystal_id"] for row in rows["query"]] == crystals
    assert len(rows["growth"]) == FRAMES
    assert {row["kind"] for row in rows["events"]} >= {"run_started", "run_ended"}
    assert rows["explain"][0]["decided_by"]["crystals"] == len(crystals)
    assert json.loads(answers["other field"].output) == []
    table = answers["query"].output.splitlines()
    assert table[0].split() == ["crystal_id", "area_um2"]
    assert len(table) == 1 + len(crystals)
    assert "growth_rate_um_per_s" in answers["trails"].output.splitlines()[0], (
        "units stand in the columns' names"
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_stands_as_a_dash_or_counts_differently_is_explained(folder: Path) -> None:
    asked: dict[str, tuple[object, ...]] = {
        "span": ("query", "SELECT count, d10_um, span FROM csd"),
        "no figures": ("query", "SELECT count, mean_um FROM csd"),
        "json": ("query", "SELECT count, d10_um, span FROM csd", "--json"),
    }
    answers = ask(folder, asked)
    assert "–" in answers["span"].output, "the control: too few crystals"
    assert answers["span"].error.startswith("d10_um, span: none where ")
    assert "kinetics.percentile_min_count (10)" in answers["span"].error
    assert (answers["no figures"].error, answers["json"].error) == ("", "")
    again = run(folder, "replay", "images", "--interval-s", 20, "--database", "sqlite:///again.sqlite")
    assert re.search(r"crystals +(\d+) followed in all, \d+ in the last good frame, total area", again.output)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_question_cannot_write_and_cannot_run_away(folder: Path) -> None:
    before = contents(folder)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"
    answers = ask(
        folder,
        {
            **{name: ("query", sql) for name, sql in WRITING.items()},
            "too long": ("query", endless.format("COUNT(*)"), "--timeout-s", "0.5"),
            "too many": ("query", endless.format("i"), "--max-rows", "100"),
            "no SQL": ("query", "how many crystals?"),
            "control": ("query", "SELECT COUNT(*) AS n FROM event_log", "--json"),
        },
    )
    assert answers["control"].code == 0
    assert json.loads(answers["control"].output)[0]["n"] > 0
    for name in {*answers} - {"control"}:
        assert answers[name].code == 2, (name, answers[name])
        assert answers[name].output == "", name
        assert "Traceback" not in answers[name].error, name
        assert "Error" not in answers[name].error.partition(":")[0], name
    assert contents(folder) == before
    assert not (folder / "other.sqlite").exists()
    assert not (folder / "copy.sqlite").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_is_the_views_row_by_row(kind: str, folder: Path) -> None:
    if kind == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    answer = ask(folder, {"export": ("export", "last", "--format", kind, "--out", f"out-{kind}")})["export"]
    assert answer.code == 0, answer
    connection = sqlite3.connect(f"file:{folder}/trails.sqlite?mode=ro", uri=True)
    try:
        for view in VIEWS:
            cursor = connection.execute(f"SELECT * FROM {view}")
            columns = [column[0] for column in cursor.description]
            count = len(cursor.fetchall())
            path = folder / f"out-{kind}" / f"{view}.{kind}"
            if kind == "csv":
                with path.open(newline="", encoding="utf-8") as file:
                    lines = list(csv.reader(file))
                assert lines[0] == columns
                assert len(lines) - 1 == count
            else:
                table = parquet.read_table(path)
                assert table.column_names == columns
                assert table.num_rows == count
            assert count > 0 or view == "csd", "the control: there is something to export"
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_export_replaces_nothing_that_it_was_not_told_to(folder: Path) -> None:
    again = ("export", "last", "--out", "once")
    runs = folder / "once" / "run_summary.csv"
    assert ask(folder, {"first": again})["first"].code == 0
    written = runs.read_bytes()
    runs.write_text("my own notes in it")
    refused = ask(folder, {"again": again})["again"]
    assert refused.code == 2, refused
    assert "run_summary.csv is there already" in refused.error
    assert "--overwrite" in refused.error
    assert runs.read_text() == "my own notes in it"
    assert ask(folder, {"told": (*again, "--overwrite")})["told"].code == 0
    assert runs.read_bytes() == written
    assert sorted(path.name for path in runs.parent.iterdir() if path.suffix != ".csv") == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_stills_become_labels_overlays_and_a_table(folder: Path) -> None:
    scope = SimulatedMicroscope(FIELD)
    shot, image = scope.at(100.0), scope.render_only(100.0)
    stills = folder / "stills"
    stills.mkdir()
    cv2.imwrite(str(stills / "grey.png"), image)
    cv2.imwrite(str(stills / "deep.tif"), image.astype(np.uint16) * 257)
    (stills / "broken.png").write_bytes(b"no image")
    answer = run(folder, "segment", "stills", "--out", "found", "--um-per-px", 0.5)
    assert answer.code == 1, answer  # one of the three is broken: the rest is done, and a script must know
    assert "broken.png" in answer.error
    with (folder / "found" / "crystals.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {"area_px", "area_um2", "equivalent_diameter_um", "centroid_x_px", "feret_max_um"} <= rows[
        0
    ].keys()
    for name in ("grey.png", "deep.tif"):
        stem = name.partition(".")[0]
        labels_HW = cv2.imread(str(folder / "found" / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
        overlay_HWC = cv2.imread(str(folder / "found" / f"{stem}.overlay.png"), cv2.IMREAD_UNCHANGED)
        assert labels_HW is not None
        assert overlay_HWC is not None
        assert (labels_HW.dtype, labels_HW.shape) == (np.uint16, (256, 256))
        assert overlay_HWC.shape == (256, 256, 3)
        crystals = [row for row in rows if row["file"] == name]
        assert len(crystals) == len(np.unique(labels_HW)) - 1 >= 3
        truth_HW, found_HW = shot.labels_HW > 0, labels_HW > 0
        iou = (truth_HW & found_HW).sum() / (truth_HW | found_HW).sum()
        assert iou > 0.6, "the crystals are where the simulation put them"
        for row in crystals:
            assert float(row["area_um2"]) == pytest.approx(float(row["area_px"]) * 0.25)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_image_whose_bodies_were_all_left_out_is_told_so(tmp_path: Path) -> None:
    clear = SimulatedMicroscope(FIELD).render_only(100.0).astype(np.float64)
    blurred = cv2.GaussianBlur(0.15 * (clear - clear.mean()), (0, 0), 9)
    faint = clear.mean() + blurred + np.random.default_rng(0).normal(0, 2, clear.shape)
    cv2.imwrite(str(tmp_path / "clear.png"), clear)
    cv2.imwrite(str(tmp_path / "faint.png"), np.clip(faint, 0, 255))
    answer = run(tmp_path, "segment", "clear.png", "faint.png", "--out", "found")
    assert answer.code == 0, answer
    assert re.search(r"clear\.png: [1-9]\d* crystals", answer.output), "the control"
    assert "faint.png: 0 crystals" in answer.output
    assert re.search(
        r"faint\.png: \d+ bod(y|ies) left out: smaller than \d+ px², or with a mean probability below 0\.\d+ "
        r"\(minimal_area_px and minimal_score in .*default\.json; --model names a copy",
        answer.error,
    ), answer.error
    assert "clear.png" not in answer.error


def children_of(process: int) -> set[int]:
    found: set[int] = set()
    for thread in Path(f"/proc/{process}/task").iterdir():
        found |= {int(word) for word in (thread / "children").read_text().split()}
    return found


def libraries(process: int) -> str:
    return Path(f"/proc/{process}/maps").read_text()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ctrl_c_ends_the_demo_in_order(tmp_path: Path) -> None:
    database = tmp_path / "demo.sqlite"
    with start(tmp_path, "demo", "--duration-s", 600, "--database", "sqlite:///demo.sqlite") as demo:
        try:
            end = time.monotonic() + 150
            while not (database.exists() and committed(database) >= 2):
                assert time.monotonic() < end, "no frame was analysed"
                assert demo.poll() is None, demo.communicate()
                time.sleep(0.2)
            children = children_of(demo.pid)
            by_command = {
                Path(f"/proc/{child}/cmdline").read_text().split("\0")[3]: child for child in children
            }
            assert set(by_command) == {"grab", "analyze"}, "the control: both processes run"
            assert "openvino" in libraries(by_command["analyze"]), "the control: libraries are seen"
            for library in ("openvino", "torch"):
                assert library not in libraries(by_command["grab"])
            demo.send_signal(signal.SIGINT)
            output, error = demo.communicate(timeout=60)
        finally:
            demo.kill()
    assert demo.returncode == 0, error
    assert "recovered against the simulation's truth" in output
    assert "Traceback" not in error
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    connection = sqlite3.connect(database)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT frames_ok >= 2 FROM run_summary").fetchall() == [(1,)]
    finally:
        connection.close()


def committed(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM frame_log").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # being made
    finally:
        connection.close()
