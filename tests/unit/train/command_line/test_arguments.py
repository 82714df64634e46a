"""Arguments that cannot be: refused before anything is read or written, with what they have to be."""

from __future__ import annotations

import pytest

from train.command_line import main

FINETUNE = ("finetune", "frames", "masks", "--out", "models")
COMPARE = ("compare", "simulation", "--work", "work")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ((*FINETUNE, "--minutes", "0"), "argument --minutes: 0 is not above 0"),
        ((*FINETUNE, "--steps", "0"), "argument --steps: 0 is below 1: give 1 or more"),
        ((*FINETUNE, "--scale", "-1"), "argument --scale: -1 is not above 0"),
        ((*FINETUNE, "--scale", "nan"), "argument --scale: nan is no finite number"),
        ((*FINETUNE, "--workers", "-1"), "argument --workers: -1 is below 0"),
        ((*FINETUNE, "--threads", "two"), "argument --threads: 'two' is no whole number"),
        ((*COMPARE, "--steps", "0"), "argument --steps: 0 is below 1"),
        ((*COMPARE, "--minutes", "soon"), "argument --minutes: 'soon' is no number"),
        ((*COMPARE, "--seeds", "0", "-1"), "argument --seeds: -1 is below 0"),
        (("prune", "--out", "pruned", "--keep", "1.5"), "argument --keep: 1.5 is no share"),
        (
            ("data", "split", "set.json", "--out", "folds.json", "--folds", "0"),
            "argument --folds: 0 is below 1",
        ),
    ],
)
def test_numbers_that_cannot_be_are_refused(command, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("data",), ("row",), ("finetune",), ("compare",), ("pre-label",)])
def test_help_describes_and_gives_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "example: " in said
    before_arguments = said.split("positional arguments:")[0].split("options:")[0]
    assert before_arguments.strip().endswith((".", "default."))
