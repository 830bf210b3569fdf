"""Charts as SVG, drawn here; pure. A colour is the class of a state, ``state-failed``, which the stylesheet knows.

Nothing but rectangles and lines: text stands beside them, in HTML, so that a chart may be as wide as its place is.
What is shown also stands in a `<title>`, and a bar that counts something is a link to what it counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

NOTHING = mark_safe("")
RAIL = mark_safe('<rect class="rail" x="0" y="0" width="100" height="8"/>')
WIDTH = 1000
"""Units that the width of a lane or of a chart of bars has."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `stacked`: how much of each state, from the bottom up."""

    label: str
    parts: Mapping[str, float]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A run in a `strip`: its height is its duration in seconds; None: unknown, or not over."""

    state: str
    seconds: float | None
    title: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A bar in a `lane`, from `start` to `end`, both parts of the lane's length (0 to 1)."""

    state: str
    start: float
    end: float
    title: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A line of a timeline: what stands before it, and its bars."""

    label: str
    stretches: Sequence[Stretch]
    href: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes below one axis; `ticks` are its labels, evenly apart from its begin on; `now`: where the present stands, 0
    to 1.
    """

    lanes: Sequence[Lane]
    ticks: Sequence[str] = ()
    now: float | None = None


def stacked(columns: Sequence[Column], *, height: int = 120, title: str = "") -> SafeString:
    """Columns side by side, each with its states on top of each other; the tallest fills the height."""
    most = max((sum(column.parts.values()) for column in columns), default=0)
    if not columns:
        return NOTHING
    step = WIDTH / len(columns)
    return _svg(
        WIDTH,
        height,
        "stacked",
        title,
        (_column(column, place * step, step, height, most) for place, column in enumerate(columns)),
    )


def _column(column: Column, x: float, step: float, height: int, most: float) -> SafeString:
    drawn, bottom = [], float(height)
    for state, value in column.parts.items():
        if not value:
            continue
        tall = max(value / most * height, 1.5)
        bottom = max(0.0, bottom - tall)
        drawn.append(_rectangle(state, x + step * 0.1, bottom, step * 0.8, tall))
    said = ", ".join(f"{value:,.0f} {state.lower()}" for state, value in column.parts.items() if value) or "nothing"
    hit = _rectangle("hit", x, 0, step, height)
    return _linked(column.href, f"{column.label}: {said}", [hit, *drawn])


def strip(bars: Sequence[Bar], *, places: int = 20, height: int = 24) -> SafeString:
    """The recent runs of a job, oldest first, as bars: colour for the state, height for the duration."""
    longest = max((bar.seconds for bar in bars if bar.seconds), default=0)
    step = 6
    drawn = []
    for place, bar in enumerate(bars[-places:], max(0, places - len(bars))):
        share = 0.35 + 0.65 * (bar.seconds / longest) if bar.seconds and longest else 0.35
        tall = height * share
        shape = _rectangle(bar.state, place * step, height - tall, step - 1.5, tall)
        drawn.append(_linked(bar.href, bar.title, [_rectangle("hit", place * step, 0, step, height), shape]))
    return _svg(places * step, height, "strip", f"The last {len(drawn)} runs", drawn, stretches=False)


def sparkline(values: Sequence[float], state: str, *, title: str = "") -> SafeString:
    """A small line over its area; nothing where there are fewer than two values."""
    if len(values) < 2:
        return NOTHING
    width, height, most = 100, 24, max(*values, 0) or 1
    step = width / (len(values) - 1)
    points = [
        f"{place * step:.1f},{height - 1 - value / most * (height - 3):.1f}" for place, value in enumerate(values)
    ]
    line = " ".join(points)
    shapes = [
        format_html('<polygon class="area" points="0,{} {} {},{}"/>', height, line, width, height),
        format_html('<polyline class="line" points="{}"/>', line),
    ]
    return _svg(width, height, f"spark state-{state.lower()}", title, shapes)


def lane(stretches: Iterable[Stretch], *, height: int = 16, now: float | None = None) -> SafeString:
    """One line of a timeline. A bar too short to be seen is drawn a little longer."""
    drawn = []
    for one in stretches:
        start, end = max(0.0, min(one.start, 1.0)) * WIDTH, max(0.0, min(one.end, 1.0)) * WIDTH
        shape = _rectangle(one.state, min(start, WIDTH - 3), 2, max(end - start, 3), height - 4)
        drawn.append(_linked(one.href, one.title, [shape]))
    if now is not None and 0 <= now <= 1:
        place = round(now * WIDTH, 1)
        drawn.append(format_html('<line class="now" x1="{}" x2="{}" y1="0" y2="{}"/>', place, place, height))
    return _svg(WIDTH, height, "lane", "", drawn)


def meter(share: float, state: str = "run", *, title: str = "", over: bool = False) -> SafeString:
    """How much of something is done or taken, 0 to 1; `over`: more than all of it."""
    wide = max(0.0, min(share, 1.0)) * 100
    shapes = [
        RAIL,
        _rectangle("late" if over else state, 0, 0, round(wide, 1), 8),
    ]
    return _svg(100, 8, "meter", title, shapes)


def _rectangle(state: str, x: float, y: float, width: float, height: float) -> SafeString:
    kind = "hit" if state == "hit" else f"state-{state.lower()}"
    return format_html(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>',
        *(kind, round(x, 1), round(y, 1), round(width, 1), round(height, 1)),
    )


def _linked(href: str, title: str, shapes: Sequence[SafeString]) -> SafeString:
    inside = format_html_join("", "{}", ((shape,) for shape in shapes))
    if href:
        return format_html(
            '<a href="{}" aria-label="{}" tabindex="-1"><title>{}</title>{}</a>', href, title, title, inside
        )
    return format_html("<g><title>{}</title>{}</g>", title, inside)


def _svg(
    width: float, height: float, kind: str, title: str, shapes: Iterable[SafeString], *, stretches: bool = True
) -> SafeString:
    drawn = format_html_join("", "{}", ((shape,) for shape in shapes))
    role = "group" if "<a " in drawn else "img"  # a picture has no links in it
    told = format_html('role="{}" aria-label="{}"', role, title) if title else NOTHING
    return format_html(
        '<svg class="chart {}" viewBox="0 0 {} {}" preserveAspectRatio="{}" {}>{}</svg>',
        *(kind, round(width), round(height), "none" if stretches else "xMinYMax meet", told),
        drawn,
    )
