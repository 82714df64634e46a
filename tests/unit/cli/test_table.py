"""Tables fit the terminal: wrapped, then without what can be done without; nothing of a value is lost."""

from __future__ import annotations

import pytest

from monitor.cli.reading import DISPENSABLE, TRAIL_COLUMNS
from monitor.cli.table import NOTHING, Column, fitted_lines, table_lines

MESSAGE = "Crystal 7 has grown into crystal 9; from here on both are left out of whole-crystal fits."
EVENTS = [
    Column("event_id", ["7", "8"], numeric=True),
    Column("elapsed_s", ["336.25", "1260"], numeric=True),
    Column("field", ["main", "main"], numeric=False),
    Column("kind", ["birth", "growth_rate_low"], numeric=False),
    Column("message", ["First nucleation.", MESSAGE], numeric=False),
    Column("acknowledged_at", [NOTHING, NOTHING], numeric=False),
]


def test_a_table_that_fits_is_left_alone() -> None:
    wide = list(table_lines(EVENTS))
    lines, left_out = fitted_lines(EVENTS, max(map(len, wide)), ())
    assert list(lines) == wide
    assert left_out == []
    assert wide[0].split() == [column.name for column in EVENTS]


@pytest.mark.parametrize("width", [100, 80, 72, 60])
def test_every_line_fits_and_no_word_of_what_is_shown_is_lost(width: int) -> None:
    assert max(map(len, table_lines(EVENTS))) > 120, "the control: as it is it does not fit"
    found, left_out = fitted_lines(EVENTS, width, ["field"])
    lines = list(found)
    assert max(map(len, lines)) <= width
    assert "message" not in left_out
    for word in MESSAGE.split():
        assert any(word in line for line in lines), word


def test_what_says_nothing_goes_first_then_what_is_dispensable_then_from_the_right() -> None:
    def left_out(width: int) -> list[str]:
        return fitted_lines(EVENTS, width, ["field", "elapsed_s"])[1]

    assert left_out(80) == ["acknowledged_at"]
    assert left_out(62) == ["field", "acknowledged_at"]
    assert left_out(10) == ["elapsed_s", "field", "kind", "message", "acknowledged_at"]


def test_long_names_are_broken_at_their_underscores_and_their_numbers_are_whole() -> None:
    names = ("crystal_id", "growth_rate_um_per_s", "growth_rate_low_um_per_s", "growth_rate_high_um_per_s")
    rates = [Column(name, ["0.0012345", "12"], numeric=True) for name in names]
    found, left_out = fitted_lines(rates, 50, ())
    lines = list(found)
    assert left_out == []
    assert max(map(len, lines)) <= 50
    assert "".join(lines).count("0.0012345") == 4
    title_rows = lines[: next(place for place, line in enumerate(lines) if "0.0012345" in line)]
    assert len(title_rows) > 1
    for word in ("crystal_", "growth_", "high_", "per_s"):
        assert any(word in row for row in title_rows), title_rows


def test_a_column_without_a_name_and_without_words_has_its_place() -> None:
    columns = [Column("", ["", ""], numeric=False), Column("message", [MESSAGE, "b"], numeric=False)]
    lines, left_out = fitted_lines(columns, 40, ())
    assert left_out == []
    assert max(map(len, lines)) <= 40


def test_a_growth_rate_keeps_both_limits_on_80_characters() -> None:
    def column(name: str) -> Column:
        words = {"birth_kind": "present_at_start", "end_reason": "run_end"}
        return Column(name, [words.get(name, "0.00012345")], numeric=name not in words)

    for width in (80, 60, 50):
        lines, left_out = fitted_lines([column(name) for name in TRAIL_COLUMNS], width, DISPENSABLE)
        assert max(map(len, lines)) <= width
        assert left_out, "the control: some went"
        assert not [name for name in left_out if "growth_rate" in name and "px" not in name], left_out
