"""What a program printed for a terminal, as pieces of text with classes; pure.

Of its escape codes the colours, bold, dim and underline are kept; all others, and every control character, are dropped:
what is left is text, and is only ever shown as text.
"""

from __future__ import annotations

import re

Piece = tuple[str, str]
"""The classes of a piece, separated by spaces, and its text."""

_CODES = re.compile(
    r"\x1b\[(?P<sgr>[0-9;]*)m"  # colours and weights
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # moves and erasures
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links and other strings
    r"|\x1b[ -/]*[0-~]?"  # two characters
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]",  # every other control character but TAB and LF
    re.DOTALL,
)
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_WEIGHTS = {1: "bold", 2: "dim", 3: "italic", 4: "underline"}
_ENDS = {22: {"bold", "dim"}, 23: {"italic"}, 24: {"underline"}}


def pieces(line: str) -> list[Piece]:
    """`line` in pieces; what a carriage return wrote over is left out, as a terminal shows progress bars."""
    line = line.rstrip("\r").rpartition("\r")[2]
    found: list[Piece] = []
    weights: set[str] = set()
    colour, last = "", 0

    def take(text: str) -> None:
        if text:
            classes = " ".join([f"ansi-{word}" for word in (*sorted(weights), *([colour] if colour else []))])
            if found and found[-1][0] == classes:
                found[-1] = (classes, found[-1][1] + text)
            else:
                found.append((classes, text))

    for code in _CODES.finditer(line):
        take(line[last : code.start()])
        last = code.end()
        if code["sgr"] is not None:
            colour = _applied(code["sgr"], weights, colour)
    take(line[last:])
    return found


def plain(line: str) -> str:
    """`line` without anything but text."""
    return "".join(text for _, text in pieces(line))


def _applied(codes: str, weights: set[str], colour: str) -> str:
    """Change `weights` as `codes` say; return the colour that holds from here."""
    numbers = [int(number[:4] or 0) for number in codes.split(";")[:16]]
    place = 0
    while place < len(numbers):
        number = numbers[place]
        if number == 0:
            weights.clear()
            colour = ""
        elif number in _WEIGHTS:
            weights.add(_WEIGHTS[number])
        elif number in _ENDS:
            weights.difference_update(_ENDS[number])
        elif 30 <= number <= 37:
            colour = _COLOURS[number - 30]
        elif 90 <= number <= 97:
            colour = _COLOURS[number - 90]
        elif number == 39:
            colour = ""
        elif number in (38, 48):  # one of 256 or of all colours: its arguments are passed over
            place += {5: 2, 2: 4}.get(numbers[place + 1] if place + 1 < len(numbers) else 0, 0)
        place += 1
    return colour
