"""`explain`: values of now beside those that decided, in words that mean one thing."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from monitor.cli.explain import explain
from monitor.records import RunState
from monitor.store import open_store
from tests import trail_results as made


def test_after_complete_the_values_of_then_stand_beside_those_of_now(tmp_path: Path) -> None:
    database = str(tmp_path / "trails.sqlite")
    store = open_store(database)
    run = store.start_run(made.run_start())
    for index, covered in enumerate((0.9, 0.86)):
        decided_by = {"coverage": covered, "coverage_min": 0.9}
        completion = made.completion(RunState.COMPLETE, changed=index == 0, decided_by=decided_by)
        store.append(run, made.result(index, [made.point(1, index, 100.0)], completion=completion))
    store.close()
    told = CliRunner().invoke(explain, ["--database", database])
    assert told.exit_code == 0, told
    values = told.output.partition("field main is complete")[2].splitlines()[1:]
    assert [line.split() for line in values] == [
        ["seen", "0.86", "now,", "0.9", "when", "it", "became", "complete"],
        ["seen_min", "0.9"],
    ]
    (row,) = json.loads(CliRunner().invoke(explain, ["--database", database, "--json"]).output)
    assert row["decided_by"] == {"coverage": 0.86, "coverage_min": 0.9}, "names for programs stay"
