"""How times, sizes and output read; pure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from errors.console import ansi, charts, export, words
from tests.builders import HOUR, MINUTE, NOON, SECOND


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (-1, "0 s"),
        (0, "0 ms"),
        (0.34, "340 ms"),
        (4.2, "4.2 s"),
        (9.0, "9 s"),
        (59.7, "1 min"),
        (65, "1 min 5 s"),
        (3600, "1 h"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
        (timedelta(days=3), "3 d"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, said: str):
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOON, "now"),
        (NOON - 5 * SECOND, "5 s ago"),
        (NOON + 5 * SECOND, "in 5 s"),
        (NOON - 3 * MINUTE, "3 min ago"),
        (NOON + 26 * HOUR, "in 26 h"),
        (NOON - 50 * HOUR, "2 d ago"),
    ],
)
def test_a_moment_is_told_from_now(moment, said: str):
    assert words.relative(moment, NOON) == said


def test_sizes_and_numbers():
    assert [words.size(count) for count in (None, 0, 1023, 1024, 5 * 1024**2)] == [
        "",
        "0 B",
        "1023 B",
        "1.0 KiB",
        "5.0 MiB",
    ]
    assert words.size(3 * 1024**4) == "3.0 TiB"
    assert [words.short(count) for count in (0, 9_999, 12_345, 1_200_000)] == ["0", "9,999", "12.3k", "1.2M"]
    assert (words.number(9_999, 10_000), words.number(10_000, 10_000)) == ("9,999", "10,000+")


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("plain", [("", "plain")]),
        ("\x1b[31mred\x1b[0m not", [("ansi-red", "red"), ("", " not")]),
        ("\x1b[1;33mboth\x1b[22monly colour", [("ansi-bold ansi-yellow", "both"), ("ansi-yellow", "only colour")]),
        ("\x1b[91mbright\x1b[39m", [("ansi-red", "bright")]),
        ("\x1b[38;5;196mof 256\x1b[m", [("", "of 256")]),
        ("\x1b[38;2;1;2;31mof all", [("", "of all")]),
        ("\x1b]0;a title\x07text", [("", "text")]),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", [("", "link")]),
        ("\x1b[2J\x1b[1;1Hgone", [("", "gone")]),
        ("10%\r50%\r100%\r", [("", "100%")]),
        ("bell\x07 and \x9b31m", [("", "bell and 31m")]),
        ("\x1b[" + "9" * 5_000 + "mhuge", [("", "huge")]),
        ("\x1b", []),
        ("", []),
    ],
)
def test_output_keeps_its_colours_and_loses_every_other_code(line: str, pieces: list):
    assert ansi.pieces(line) == pieces


def test_output_without_colours():
    assert ansi.plain("\x1b[1ma\x1b[0mb\x08c") == "abc"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(begin: str):
    assert export.cell(f"{begin}1+1") == f"'{begin}1+1"


def test_cells_of_numbers_and_times_stay_what_they_are():
    assert [export.cell(value) for value in (-5, True, None, NOON, {"a": 1})] == [
        *(-5, True, None, "2026-11-21T12:00:00+00:00", '{"a": 1}')
    ]


def test_an_export_of_nothing_is_valid():
    assert "".join(export.as_json([])) == "[]\n"
    assert "".join(export.as_csv(["a"], [])) == "a\r\n"


def test_what_a_chart_is_told_is_escaped():
    hostile = '"><script>alert(1)</script>'

    drawn = [
        charts.stacked([charts.Column(hostile, {"failed": 1}, hostile)], title=hostile),
        charts.strip([charts.Bar("failed", 1.0, hostile, hostile)]),
        charts.lane([charts.Stretch("failed", 0, 1, hostile, hostile)]),
    ]

    assert all("<script" not in one for one in drawn)
    assert all("&lt;script" in one for one in drawn)


def test_charts_of_little_are_drawn():
    assert charts.stacked([]) == ""
    assert charts.sparkline([1], "ok") == ""
    assert "polyline" in charts.sparkline([0, 0], "ok")
    assert 'height="200.0"' not in charts.stacked([charts.Column("none", {"ok": 0})])


def test_a_column_fills_the_height_with_its_parts():
    drawn = charts.stacked([charts.Column("a", {"ok": 3, "bad": 1}), charts.Column("b", {"ok": 2})], height=100)

    assert 'class="state-ok" x="50.0" y="25.0" width="400.0" height="75.0"' in drawn
    assert 'class="state-bad" x="50.0" y="0.0" width="400.0" height="25.0"' in drawn
    assert 'class="state-ok" x="550.0" y="50.0" width="400.0" height="50.0"' in drawn
