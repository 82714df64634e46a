"""What an operator's slip is answered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from monitor.analysis import Mute
from monitor.cli import cli
from monitor.cli.control import ack, mute, note
from monitor.errors import UserError
from monitor.settings.waits import LONGEST_MUTE_S
from monitor.store import open_store


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("1h", "1h is `mute 3600`"),
        ("90 min", "90 min is `mute 5400`"),
        ("30d", "an hour is `mute 3600`"),
        ("abc", "'abc' is not a number of seconds from 0 to 604800 (7 days): an hour is `mute 3600`"),
        ("nan", "not a number of seconds"),
        ("604801", "from 0 to 604800 (7 days)"),
    ],
)
def test_a_silence_is_given_in_seconds(given: str, said: str) -> None:
    answer = CliRunner().invoke(mute, [given])
    assert answer.exit_code == 2
    assert said in answer.output


@pytest.mark.parametrize("given", ["foo", "0", "1.5", "9" * 30])
def test_an_event_is_given_by_its_number(given: str) -> None:
    answer = CliRunner().invoke(ack, [given])
    assert answer.exit_code == 2
    assert f"'{given}' is not the number of an event, such as 12" in answer.output
    assert "crystal-monitor events" in answer.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "the note is empty: say what was done"),
        ("x" * 4001, "the note is 4001 characters long, at most 4000"),
    ],
)
def test_a_note_says_something(given: str, said: str) -> None:
    answer = CliRunner().invoke(note, [given])
    assert isinstance(answer.exception, UserError)
    assert said in str(answer.exception)


def test_where_no_run_is_yet_the_database_is_named(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/empty.sqlite"
    open_store(database).close()
    told = CliRunner().invoke(cli, ["runs", "--database", database])
    assert f"no run yet in {database}: " in told.output


def test_the_command_line_and_the_daemon_agree_how_long_a_silence_may_be() -> None:
    assert Mute(seconds=LONGEST_MUTE_S).seconds == LONGEST_MUTE_S
    with pytest.raises(ValidationError):
        Mute(seconds=LONGEST_MUTE_S + 1)
    command_line = "import sys, monitor.cli.command_values; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command_line], check=False).returncode == 0, (
        "help stays fast"
    )
