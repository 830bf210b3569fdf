"""Tables and times for people at a shell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from executions.management.tables import Column, columns_of, span, table, when
from tests.builders import NOON

NAME, SAYS = Column("name", may_shrink=True), Column("says", may_shrink=True)


def test_columns_are_aligned_under_their_titles():
    shown = table([NAME, Column("n", right=True)], [("one", 5), ("another", 1234)])

    assert shown.splitlines() == ["NAME        N", "one         5", "another  1234"]


def test_the_widest_column_is_cut_until_a_line_fits():
    shown = table([NAME, SAYS], [("a-name", "words " * 40)], width=40)

    assert all(columns_of(line) <= 40 for line in shown.splitlines())
    assert "a-name" in shown
    assert shown.endswith("…")


def test_nothing_is_cut_without_a_width():
    assert "words " * 40 in table([NAME, SAYS], [("a-name", "words " * 40 + ".")])


def test_wide_letters_take_two_columns():
    first, second = table([NAME, SAYS], [("ジョブ", "x"), ("abcdef", "y")]).splitlines()[1:]

    assert first == "ジョブ  x"
    assert second == "abcdef  y"


def test_what_a_terminal_would_obey_is_not_passed_on():
    assert "\x1b" not in table([SAYS], [("\x1b[31mred\nand more",)])
    assert len(table([SAYS], [("one\ntwo",)]).splitlines()) == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "now"), (5, "in 5 s"), (-5, "5 s ago"), (61, "in 1 min"), (-7300, "2 h ago"), (200_000, "in 2 d")],
)
def test_a_moment_is_told_from_now(seconds: int, words: str):
    assert when(NOON + timedelta(seconds=seconds), NOON) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.04, "0.0 s"), (2.34, "2.3 s"), (12.3, "12 s"), (180, "3 min")])
def test_a_duration_is_told_in_its_unit(seconds: float, words: str):
    assert span(timedelta(seconds=seconds)) == words


def test_there_is_nothing_to_tell_of_nothing():
    assert (when(None, NOON), span(None)) == ("", "")
