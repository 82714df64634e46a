"""A long history is thinned out to no more rows than were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import cli
from monitor.store import open_store
from tests import trail_results as made

POINTS = 12


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("thinning") / "trails.sqlite"
    store = open_store(f"sqlite:///{path}", "NORMAL")
    run = store.start_run(made.run_start())
    for index in range(POINTS + 1):
        store.append(run, made.growing(index, 1))
    store.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("limit", range(1, POINTS + 2))
def test_never_more_than_asked_for_and_always_the_last(limit: int, database: str) -> None:
    answer = CliRunner().invoke(cli, ["growth", "last", "1", "--limit", str(limit), "--database", database])
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()[1:]
    times = [line.split()[0] for line in lines]
    assert times[-1] == str(POINTS)
    assert limit == 1 or times[0] == "1"
    assert len(times) <= limit
    assert limit < POINTS or len(times) == POINTS, "the control: there are so many"
    assert answer.stderr.startswith("one in ") == (limit < POINTS)
