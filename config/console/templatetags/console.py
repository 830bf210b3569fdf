"""What the console's templates draw with. Thin: the drawing is `errors.console`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.safestring import SafeString

from errors.console import MOST_COUNTED, charts, columns, words

register = template.Library()

register.simple_tag(charts.stacked, name="stacked")
register.simple_tag(charts.strip, name="strip")
register.simple_tag(charts.sparkline, name="spark")
register.simple_tag(charts.lane, name="lane")
register.simple_tag(charts.meter, name="meter")


@register.simple_tag
def badge(state: str, more: str | None = "") -> SafeString:
    """``{% badge execution.status execution.reason %}``"""
    return columns.badge(state, more or "")


@register.simple_tag
def when(moment: datetime | None, style: str = "") -> SafeString | str:
    """``{% when moment %}``: relative; ``{% when moment "full" %}``: absolute too."""
    return columns.when(moment, is_full=style == "full")


@register.filter
def took(duration: timedelta | float | None) -> str:
    return words.span(duration)


@register.filter
def size(count: int | None) -> str:
    return words.size(count)


@register.filter
def number(count: int) -> str:
    return words.number(count)


@register.filter
def counted(count: int) -> str:
    """How many rows a list has: it is counted to 10,000 and no further."""
    return words.number(count, MOST_COUNTED)


@register.filter
def short(count: int) -> str:
    return words.short(count)


@register.filter
def percent(share: float | None) -> str:
    """``98.7 %``; a dash where there is nothing to divide by."""
    if share is None:
        return "-"
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


@register.inclusion_tag("console/timeline.html")
def timeline(drawn: charts.Timeline) -> dict[str, Any]:
    """Lanes with their labels, below an axis: a `charts.Timeline`."""
    return {"lanes": drawn.lanes, "ticks": drawn.ticks, "now": drawn.now}
