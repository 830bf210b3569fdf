"""The one stream of lines that a house prints."""

from __future__ import annotations

import io
import os
import time

from config.up.stream import BACKLOG, LONGEST, Lines, Stream


def test_bytes_become_lines_as_they_are_completed():
    lines = Lines()

    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o\r\n") == ["two"]
    assert lines.feed(b"three") == []
    assert lines.feed(b"") == ["three"]
    assert list(lines.last) == ["one", "two", "three"]


def test_a_line_without_an_end_is_shown_all_the_same():
    lines = Lines()

    assert lines.feed(b"x" * (LONGEST + 1)) == ["x" * (LONGEST + 1)]


def test_bytes_that_are_not_utf_8_break_nothing():
    assert Lines().feed(b"caf\xe9\n") == ["caf\ufffd"]


def test_a_terminal_that_takes_only_ascii_gets_a_line_too():
    kept = io.BytesIO()
    stream = Stream(["web"], io.TextIOWrapper(kept, encoding="ascii"))

    stream.line("web", "grüezi")
    stream.close()

    assert kept.getvalue() == b"web       | gr?ezi\n"


def test_nobody_who_reads_slowly_stops_the_house():
    reading, writing = os.pipe()
    stream = Stream(["web"], os.fdopen(writing, "w"))
    begun = time.monotonic()

    for number in range(BACKLOG + 5_000):
        stream.line("web", f"{number} {'.' * 100}")

    assert time.monotonic() - begun < 5
    os.set_blocking(reading, False)
    taken = b""
    for _ in range(200):
        try:
            taken += os.read(reading, 1_000_000)
        except BlockingIOError:
            time.sleep(0.01)
    stream.close()
    os.close(reading)
    assert b"lines dropped" in taken
    assert f"{BACKLOG + 4_999} ....".encode() in taken


def test_a_reader_who_leaves_does_not_end_the_house():
    reading, writing = os.pipe()
    stream = Stream(["web"], os.fdopen(writing, "w"))
    os.close(reading)

    stream.line("web", "still here")
    stream.line("web", "and here")

    stream.close()
