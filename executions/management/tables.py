"""Tables and times for people at a shell; pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

GAP = "  "
NARROWEST = 8
"""Characters down to which a column may be cut so that a line fits."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and how its cells look."""

    title: str
    right: bool = False
    may_shrink: bool = False
    paint: Callable[[str], str] = str
    """Colours a cell; it is given the text of the cell and the blanks around it."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]], width: int | None = None) -> str:
    """`rows` under the titles of `columns`, aligned.

    With a `width`, cells of the columns that may shrink are cut, the widest first, until a line fits where it can.
    """
    cells = [[plain("" if cell is None else str(cell)) for cell in row] for row in rows]
    widths = [
        max(columns_of(text) for text in (column.title, *(row[i] for row in cells))) for i, column in enumerate(columns)
    ]
    if width:
        _shrink(widths, columns, width)
    lines = [_line([column.title.upper() for column in columns], columns, widths, painted=False)]
    lines += [_line(row, columns, widths, painted=True) for row in cells]
    return "\n".join(lines)


def _shrink(widths: list[int], columns: Sequence[Column], width: int) -> None:
    able = [i for i, column in enumerate(columns) if column.may_shrink]
    while sum(widths) + len(GAP) * (len(widths) - 1) > width:
        widest = max(able, key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= NARROWEST:
            return
        widths[widest] -= 1


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], painted: bool) -> str:
    shown = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        text = cut(cell, width)
        blanks = " " * (width - columns_of(text))
        text = blanks + text if column.right else text + blanks
        shown.append(column.paint(text) if painted else text)
    return GAP.join(shown).rstrip()


def columns_of(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, width: int) -> str:
    """`text`, shortened with an ellipsis where it takes more than `width` columns."""
    if columns_of(text) <= width:
        return text
    while columns_of(text) >= width and text:
        text = text[:-1]
    return text + "…"


def plain(text: str) -> str:
    """`text` on one line, without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def span(duration: timedelta | None) -> str:
    """A duration as ``0.4 s``, ``12 s``, ``3 min``, ``2 h``; empty for None."""
    if duration is None:
        return ""
    seconds = max(0.0, duration.total_seconds())
    return f"{seconds:.1f} s" if seconds < 9.95 else _in_words(round(seconds))


def when(moment: datetime | None, now: datetime) -> str:
    """A moment as seen from `now`: ``5 s ago``, ``in 3 min``, ``now``; empty for None."""
    if moment is None:
        return ""
    seconds = round((moment - now).total_seconds())
    if seconds == 0:
        return "now"
    return f"in {_in_words(seconds)}" if seconds > 0 else f"{_in_words(-seconds)} ago"


def _in_words(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{seconds // size} {unit}"
