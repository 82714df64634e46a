"""The SQL samples answer the questions that they name: in the plain sqlite3 shell, and in PostgreSQL."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli.query import query
from monitor.errors import QueryError
from monitor.records import RunState
from monitor.store import open_store, run_query
from tests import trail_results as made
from tests.postgresql_server import fresh_database

SAMPLES = Path(__file__).resolve().parents[2] / "deploy" / "sql"
Ask = Callable[[str], list[dict[str, Any]]]


def fill(database: str) -> None:
    """An old run, then one of 130 s: crystals 1 to 3 born at 1 s, crystal 4 at 70 s, complete at 120 s."""
    store = open_store(database)
    store.append(store.start_run(made.run_start("old")), made.growing(0, 0))
    run = store.start_run(made.run_start("new"))
    for index in range(131):
        points = [
            made.point(number, index, 100.0 + number * index)
            for number in (1, 2, 3, 4)
            if index >= (70 if number == 4 else 1)
        ]
        born = {1: [1, 2, 3], 70: [4]}.get(index, [])
        changes: dict[str, Any] = {}
        if index >= 120:
            changes["completion"] = made.completion(
                RunState.COMPLETE, changed=index == 120, completed_elapsed_s=120.0
            )
        if index == 130:
            changes["fits"] = tuple(made.fit(number, rate=0.1 * number) for number in (1, 2, 3))
        frame = made.result(
            index,
            points,
            born=[made.birth(number, float(index)) for number in born],
            distributions=(made.distribution(len(points)),),
            **changes,
        )
        store.append(run, frame)
    store.close()


@pytest.fixture(scope="module")
def in_shell(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    if not shutil.which("sqlite3"):
        pytest.skip("the sqlite3 shell is not installed: apt-get install sqlite3")
    database = tmp_path_factory.mktemp("samples") / "trails.sqlite"
    fill(str(database))

    def ask(sql: str) -> list[dict[str, Any]]:
        shell = subprocess.run(
            ["sqlite3", "-json", str(database)],
            input=sql,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert shell.stderr == ""
        answer: list[dict[str, Any]] = json.loads(shell.stdout)
        return answer

    return ask


@pytest.fixture(scope="module")
def in_postgresql(server: str) -> Ask:
    database = fresh_database(server, "samples")
    fill(database)
    return lambda sql: list(run_query(database, sql).records())


@pytest.fixture(params=["in_shell", "in_postgresql"])
def ask(request: pytest.FixtureRequest) -> Ask:
    fixture: Ask = request.getfixturevalue(request.param)
    return fixture


def sample(name: str) -> str:
    return (SAMPLES / f"{name}.sql").read_text(encoding="utf-8")


def test_growth_of_one_crystal(ask: Ask) -> None:
    answer = ask(sample("growth-of-one-crystal"))
    assert [row["elapsed_s"] for row in answer] == [float(index) for index in range(1, 131)]
    assert (answer[-1]["area_px"], answer[-1]["area_um2"]) == (230.0, 57.5)


def test_fastest_growers(ask: Ask) -> None:
    answer = ask(sample("fastest-growers"))
    assert [row["crystal_id"] for row in answer] == [3, 2, 1]
    assert answer[0]["growth_rate_um_per_s"] == pytest.approx(0.15)


def test_births_per_minute(ask: Ask) -> None:
    assert ask(sample("births-per-minute")) == [{"minute": 0, "births": 3}, {"minute": 1, "births": 1}]


def test_size_distribution_now(ask: Ask) -> None:
    answer = ask(sample("size-distribution-now"))
    assert [(row["elapsed_s"], row["weighting"], row["count"]) for row in answer] == [(130.0, "number", 4)]


def test_sizes_now(ask: Ask) -> None:
    answer = ask(sample("sizes-now"))
    assert sum(row["crystals"] for row in answer) == 4
    assert answer[-1]["to_px"] == pytest.approx(1.128 * 620**0.5)


def test_when_was_it_complete(ask: Ask) -> None:
    (row,) = ask(sample("when-complete"))
    assert (row["name"], row["state"], row["completed_elapsed_s"]) == ("new", "complete", 120.0)
    assert row["completed_at"] == "2026-09-21T14:15:20.123456Z"


def test_query_takes_each_as_text_as_file_and_from_standard_input(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    fill(str(database))
    samples = sorted(SAMPLES.glob("*.sql"))
    assert len(samples) >= 6
    for path in samples:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("-- "), "the control: it looks like an option"
        expected = list(run_query(str(database), text).records())
        assert expected
        end = ["--database", str(database), "--json"]
        for words, given in (
            ([text], None),
            (["--file", str(path)], None),
            (["-"], text),
            (["--file", "-"], text),
        ):
            answer = CliRunner().invoke(query, [*words, *end], input=given)
            assert (answer.exit_code, answer.stderr) == (0, ""), (words, answer)
            assert json.loads(answer.stdout) == expected


@pytest.mark.parametrize("words", [[], ["SELECT 1", "--file", "-"]])
def test_query_wants_one_question(words: list[str]) -> None:
    answer = CliRunner().invoke(query, words)
    assert isinstance(answer.exception, QueryError)
    assert "--file X.sql" in str(answer.exception)


def test_a_mistyped_option_of_query_is_told_as_such() -> None:
    answer = CliRunner().invoke(query, ["--jsn", "SELECT 1"])
    assert answer.exit_code == 2
    assert "No such option" in answer.stderr


def test_every_sample_is_tested() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    names = [path.stem for path in SAMPLES.glob("*.sql")]
    assert len(names) >= 5
    assert [name for name in names if f'sample("{name}")' not in tested] == []
