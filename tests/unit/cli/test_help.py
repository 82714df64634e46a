"""Every command says what it does, in which units, with an example; and saying so is quick."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from monitor.cli import cli

PROJECT = Path(__file__).resolve().parents[3]
READING = ("runs", "trails", "growth", "events", "explain", "query", "deliveries")
OF_A_STATION = (*(name for name in READING if name != "query"), "export")
HEAVY = ("torch", "openvino", "cv2", "numpy", "sqlalchemy", "zmq", "scipy", "pydantic")
COUNTS = {
    "keep",
    "seed",
    "seeds",
    "first_seed",
    "limit",
    "max_rows",
    "event",
    "crystal",
    "jobs",
    "workers",
    "frames",
}
UNITS = ("_s", "_days", "_px", "um_per_px", "seconds", "_per_s")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(cli))


def help_of(name: str) -> str:
    command = COMMANDS[name]
    parent = click.Context(cli, info_name="crystal-monitor")
    for word in name.split()[:-1]:
        parent = click.Context(cli, info_name=word, parent=parent)
    return command.get_help(
        click.Context(command, info_name=name.rsplit(maxsplit=1)[-1], parent=parent, max_content_width=200)
    )


def test_the_commands_of_the_contract_are_there() -> None:
    assert {
        "demo", "run", "grab", "analyze", "replay", "segment", "runs", "trails", "growth", "events", "explain",
        "query", "export", "new-run", "zero", "note", "ack", "mute", "model list", "model verify", "check-config",
    } <= set(COMMANDS)  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_description_and_an_example_that_parses(name: str) -> None:
    text = help_of(name)
    assert COMMANDS[name].help, "it says what it does"
    _, _, example = text.partition("Example: ")
    assert example.startswith(f"crystal-monitor {name}"), text
    words = shlex.split(" ".join(example.split()))[1 + len(name.split()) :]
    COMMANDS[name].make_context(name, words, resilient_parsing=False).close()


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_explained_and_numbers_have_units(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert parameter.name is not None
        if isinstance(parameter, click.Option):
            chosen = isinstance(parameter.type, click.Choice)
            assert parameter.help or chosen, f"{name}: {parameter.name} is not explained"
        if isinstance(parameter.type, click.FloatRange | click.IntRange) or parameter.type in {
            click.INT,
            click.FLOAT,
        }:
            assert parameter.name in COUNTS or parameter.name.endswith(UNITS), (
                f"{name}: unit of {parameter.name}?"
            )


@pytest.mark.parametrize("name", READING)
def test_what_reads_takes_a_database_and_gives_json(name: str) -> None:
    names = {word for parameter in COMMANDS[name].params for word in parameter.opts}
    assert {"--json", "--database"} <= names


@pytest.mark.parametrize("name", OF_A_STATION)
def test_what_reads_a_run_takes_the_station_that_is_meant(name: str) -> None:
    assert "--station" in {word for parameter in COMMANDS[name].params for word in parameter.opts}


def test_the_group_lists_every_command() -> None:
    text = cli.get_help(click.Context(cli, info_name="crystal-monitor"))
    for name in COMMANDS:
        assert name.split()[0] in text


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    script = (
        "import sys, json, monitor.cli\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))\n"
        "import numpy\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded, control = [json.loads(line) for line in done.stdout.splitlines()]
    assert control == ["numpy"], "the control: what is imported is seen"
    assert loaded == []
