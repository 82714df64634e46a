"""The audit, the witness and the figures find what they are there for."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.store import open_store
from tests import trail_results as made
from tests.soak import figures
from tests.soak.accounts import audit
from tests.soak.census import Weight
from tests.soak.chronicle import Chronicle, SentBy
from tests.soak.figures import FULL
from tests.soak.witness import Witness

FRAMES = 12


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two crystals in a dozen frames."""
    path = tmp_path / "trails.sqlite"
    store = open_store(f"sqlite:///{path}", "NORMAL")
    run = store.start_run(made.run_start())
    for index in range(FRAMES):
        store.append(run, made.growing(index, 2))
    store.close()
    return path


def problems(database: Path, given: int = FRAMES) -> list[str]:
    return audit(database, [SentBy(made.SESSION, given)], "lossless").problems


def spoil(database: Path, *sql: str) -> None:
    with sqlite3.connect(database) as connection:
        for each in sql:
            connection.execute(each)
    connection.close()


def test_a_sound_database_has_no_problems(database: Path) -> None:
    accounts = audit(database, [SentBy(made.SESSION, FRAMES)], "lossless")
    assert accounts.problems == []
    assert (accounts.considered, accounts.crystals, accounts.runs) == (FRAMES, 2, 1)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("DELETE FROM frame WHERE frame_index = 5", "number 5 is missing"),
        ("DELETE FROM frame WHERE frame_index = 11", "11 are in the ledger"),
        (
            "INSERT INTO frame_loss (run_id, field, session, first_index, last_index, count, reason) "
            f"VALUES (1, 'main', '{made.SESSION}', 3, 3, 1, 'unknown')",
            "sent is not considered",
        ),
        ("DELETE FROM point WHERE crystal_id = 2 AND frame_id = 6", "points are not all there"),
        ("UPDATE trail SET first_seen_s = 4 WHERE crystal_id = 1", "later number was given to an earlier"),
        ("UPDATE trail SET ended_s = 3 WHERE crystal_id = 2", "outside its trail's time"),
        ("UPDATE field SET next_crystal_id = 2", "beyond the field's next"),
        ("UPDATE point SET centroid_x_px = 90 WHERE crystal_id = 1 AND frame_id > 6", "in another place"),
        ("UPDATE point SET field_id = 77 WHERE frame_id = 4", "foreign_key_check"),
    ],
)
def test_what_is_wrong_is_found(sql: str, found: str, database: Path) -> None:
    spoil(database, sql)
    assert any(found in problem for problem in problems(database)), problems(database)


def test_a_tail_that_is_too_long_is_found(database: Path) -> None:
    lost = (
        "INSERT INTO frame_loss (run_id, field, session, first_index, last_index, count, reason) "
        f"VALUES (1, 'main', '{made.SESSION}', 12, 18, 7, 'unknown')"
    )
    spoil(database, lost, "UPDATE grabber_session SET next_index = 19")
    assert problems(database, FRAMES + 7) == ["a session that was seen lost 7 frames as unknown"]


@pytest.mark.parametrize(
    "sql",
    ["UPDATE point SET area_px = area_px + 1 WHERE frame_id = 4", "DELETE FROM frame WHERE frame_id = 12"],
)
def test_a_witness_remembers(sql: str, database: Path) -> None:
    witness = Witness(database)
    witness.read()
    assert witness.frames == FRAMES
    witness.hold_to_it()
    assert witness.problems == [], "the control"
    spoil(database, sql)
    witness.hold_to_it()
    assert len(witness.problems) == 1


def weights(more_late: int) -> list[Weight]:
    return [
        Weight(
            at_s=float(frames),
            frames=frames,
            role="analyze",
            pid=1,
            rss=100_000_000 + more_late * (frames > 800),
            pss=1,
            own=1,
            descriptors=9,
            threads=3,
            cpu_s=frames * 0.01,
            known_s=0.01,
        )
        for frames in range(0, 1000, 5)
    ]


def test_growth_is_judged(tmp_path: Path) -> None:
    assert figures.memory(weights(1_900_000), 1000, FULL)["analyze_rss_growth"].passed
    assert not figures.memory(weights(2_100_000), 1000, FULL)["analyze_rss_growth"].passed


def test_slowing_is_judged() -> None:
    steady = np.full(999, 0.01)
    dearer = [replace(w, cpu_s=w.cpu_s * (1 + w.frames / 5000)) for w in weights(0)]
    all_dearer = [replace(w, known_s=w.known_s * (1.5 if w.frames > 500 else 1)) for w in dearer]
    assert figures.speed(steady, weights(0), FULL)["analysis_cpu_ratio"].passed
    assert not figures.speed(steady, dearer, FULL)["analysis_cpu_ratio"].passed
    assert figures.speed(steady, all_dearer, FULL)["analysis_cpu_ratio"].passed, (
        "the whole machine was slower"
    )


def test_a_chronicle_outlives_its_process(tmp_path: Path) -> None:
    first = Chronicle(tmp_path, 10)
    first.begin("a" * 32, 7)
    for at_s in (1.0, 1.5, 2.5):
        first.give(at_s)
    again = Chronicle(tmp_path, 10)
    again.begin("b" * 32, 7)
    again.give(9.0)
    assert (again.given, again.step) == (4, 11)
    assert again.sent() == [SentBy("a" * 32, 3), SentBy("b" * 32, 1)]
    assert first.intervals_s().tolist() == [0.5, 1.0, 6.5]
