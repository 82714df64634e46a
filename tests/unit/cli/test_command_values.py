"""What an operator's slip is answered."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from monitor.cli.control import ack, mute, note
from monitor.errors import UserError


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
