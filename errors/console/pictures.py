"""Larger pictures as SVG: how long runs took, a year of days, what depends on what. Pure, as `charts`.

The last two hold text, so they keep their size, and scroll where there is less room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from errors.console.charts import NOTHING, WIDTH, Bar
from errors.console.words import span

_CELL, _STEP, _LEFT, _TOP = 11, 13, 28, 16
_BOX, _TALL, _ACROSS, _DOWN = 190, 44, 250, 60
MAX_LABEL = 21
"""Characters of a name that a box has room for."""


@dataclass(frozen=True, slots=True)
class Day:
    """What ran on a day. `href` leads to it."""

    completed: int = 0
    failed: int = 0
    other: int = 0
    href: str = ""

    @property
    def total(self) -> int:
        return self.completed + self.failed + self.other


@dataclass(frozen=True, slots=True)
class Node:
    """A box of a `graph`. `state` is a class of a state, `note` the line below its label."""

    key: int
    label: str
    state: str
    note: str
    href: str
    is_centre: bool = False


def durations(bars: Sequence[Bar], usual: float | None = None, *, height: int = 120) -> SafeString:
    """The runs of `bars`, oldest first, as tall as they took long; a line where the usual duration is."""
    known = [bar.seconds for bar in bars if bar.seconds is not None]
    if not known:
        return NOTHING
    longest = max(*known, usual or 0, 0.001)
    step = WIDTH / max(len(bars), 20)
    shapes = []
    for place, bar in enumerate(bars):
        tall = max((bar.seconds or 0) / longest * (height - 4), 2)
        shape = format_html(
            '<rect class="hit" x="{}" y="0" width="{}" height="{}"/>'
            '<rect class="state-{}" x="{}" y="{}" width="{}" height="{}"/>',
            *(round(place * step, 1), round(step, 1), height),
            *(bar.state.lower(), round(place * step + step * 0.12, 1), round(height - tall, 1)),
            *(round(step * 0.76, 1), round(tall, 1)),
        )
        shapes.append(
            format_html(
                '<a href="{}" aria-label="{}" tabindex="-1"><title>{}</title>{}</a>',
                *(bar.href, bar.title, bar.title, shape),
            )
        )
    if usual:
        y = round(height - usual / longest * (height - 4), 1)
        shapes.append(
            format_html(
                '<line class="usual" x1="0" x2="{}" y1="{}" y2="{}"><title>usually {}</title></line>',
                *(WIDTH, y, y, span(usual)),
            )
        )
    return format_html(
        '<svg class="chart durations" viewBox="0 0 {} {}" preserveAspectRatio="none" role="group" '
        'aria-label="How long the last {} runs took">{}</svg>',
        *(WIDTH, height, len(bars), _joined(shapes)),
    )


def year(days: Mapping[date, Day], last: date) -> SafeString:
    """A cell for each day of the year that ends with `last`, a column for each week: the fuller, the more ran; red
    where any run failed.
    """
    first = last - timedelta(days=364)
    first -= timedelta(days=first.weekday())
    most = max((day.total for day in days.values()), default=0)
    shapes, label_end = [], -100
    for place in range((last - first).days + 1):
        day = first + timedelta(days=place)
        week, weekday = divmod(place, 7)
        x, y = _LEFT + week * _STEP, _TOP + weekday * _STEP
        if day.day == 1 and x - label_end > 20:
            shapes.append(format_html('<text x="{}" y="10">{}</text>', x, f"{day:%b}"))
            label_end = x
        shapes.append(_cell(day, days.get(day, Day()), most, x, y))
    labels = [
        format_html('<text x="0" y="{}">{}</text>', _TOP + row * _STEP + 9, name)
        for row, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"))
    ]
    weeks = (last - first).days // 7 + 1
    width, height = _LEFT + weeks * _STEP, _TOP + 7 * _STEP
    return _picture("year", width, height, "Runs by the day, a year back", [*labels, *shapes])


def _cell(day: date, found: Day, most: int, x: int, y: int) -> SafeString:
    parts = [f"{found.completed} completed"] if found.completed else []
    parts += [f"{found.failed} failed"] if found.failed else []
    parts += [f"{found.other} other"] if found.other else []
    title = f"{day:%a %Y-%m-%d}: {', '.join(parts) or 'nothing'}"
    if not found.total:
        return format_html(
            '<rect class="nothing" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>',
            *(x, y, _CELL, _CELL, title),
        )
    state = "failed" if found.failed else "completed" if found.completed else "canceled"
    level = 1 + min(3, found.total * 4 // (most + 1))
    return format_html(
        '<a href="{}" aria-label="{}" tabindex="-1"><title>{}</title>'
        '<rect class="state-{} level-{}" x="{}" y="{}" width="{}" height="{}" rx="2"/></a>',
        *(found.href, title, title, state, level, x, y, _CELL, _CELL),
    )


def graph(nodes: Sequence[Node], edges: Collection[tuple[int, int]]) -> SafeString:
    """Boxes from left to right along `edges` (from, to); what follows another stands further right than it."""
    known = {node.key for node in nodes}
    within = [(one, other) for one, other in edges if one in known and other in known]
    columns: dict[int, list[Node]] = defaultdict(list)
    layers = _layers(known, within)
    for node in nodes:
        columns[layers[node.key]].append(node)
    tallest = max((len(column) for column in columns.values()), default=0)
    height = tallest * _DOWN
    places: dict[int, tuple[float, float]] = {}
    for layer, column in columns.items():
        top = (height - len(column) * _DOWN) / 2
        for row, node in enumerate(column):
            places[node.key] = (4 + layer * _ACROSS, top + row * _DOWN + (_DOWN - _TALL) / 2)
    lines = [_edge(places[one], places[other]) for one, other in within]
    boxes = [_box(node, *places[node.key]) for node in nodes]
    width = 8 + (max(columns, default=0)) * _ACROSS + _BOX
    return _picture("graph", width, height, f"{len(nodes)} jobs and what they set off", [*lines, *boxes])


def _layers(keys: Collection[int], edges: Collection[tuple[int, int]]) -> dict[int, int]:
    """How far right each key stands: beyond all that lead to it."""
    layers = dict.fromkeys(keys, 0)
    for _ in range(len(layers)):
        moved = False
        for one, other in edges:
            if layers[other] <= layers[one] < len(layers):
                layers[other], moved = layers[one] + 1, True
        if not moved:
            break
    return layers


def _edge(start: tuple[float, float], end: tuple[float, float]) -> SafeString:
    x1, y1, x2, y2 = start[0] + _BOX, start[1] + _TALL / 2, end[0] - 5, end[1] + _TALL / 2
    bend = (x1 + x2) / 2
    return format_html(
        '<path class="edge" d="M{},{} C{},{} {},{} {},{}"/><path class="tip" d="M{},{} l-6,-4 v8 z"/>',
        *(x1, y1, bend, y1, bend, y2, x2, y2, x2 + 5, y2),
    )


def _box(node: Node, x: float, y: float) -> SafeString:
    label = node.label if len(node.label) <= MAX_LABEL else f"{node.label[: MAX_LABEL - 1]}…"
    title = f"{node.label}: {node.state}{', ' if node.note else ''}{node.note}"
    return format_html(
        '<a href="{}" aria-label="{}"><title>{}</title><g class="node{} state-{}">'
        '<rect class="box" x="{}" y="{}" width="{}" height="{}" rx="6"/><circle cx="{}" cy="{}" r="4.5"/>'
        '<text x="{}" y="{}">{}</text><text class="more" x="{}" y="{}">{}</text></g></a>',
        *(node.href, title, title, " centre" if node.is_centre else "", node.state.lower()),
        *(x, y, _BOX, _TALL, x + 14, y + 15),
        *(x + 25, y + 19, label, x + 25, y + 35, f"{node.state.lower()}{', ' if node.note else ''}{node.note}"),
    )


def _picture(kind: str, width: float, height: float, title: str, shapes: Sequence[SafeString]) -> SafeString:
    return format_html(
        '<svg class="picture {}" width="{}" height="{}" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>',
        *(kind, width, height, width, height, title, _joined(shapes)),
    )


def _joined(shapes: Sequence[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((shape,) for shape in shapes))
