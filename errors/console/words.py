"""Times, durations and sizes as people say them; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(duration: timedelta | float | None) -> str:
    """`duration`, a timedelta or seconds, in its two largest units: ``340 ms``, ``2 min 5 s``; empty for None."""
    if duration is None:
        return ""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    if seconds < 0:
        return "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for place, (size, unit) in enumerate(UNITS):
        if whole >= size:
            count, rest = divmod(whole, size)
            if place + 1 == len(UNITS):
                return f"{count} {unit}"
            smaller_size, smaller = UNITS[place + 1]
            further = rest // smaller_size
            return f"{count} {unit} {further} {smaller}" if further else f"{count} {unit}"
    return "0 s"


def rough(duration: timedelta | float) -> str:
    """`duration` in its largest unit: ``3 min``."""
    seconds = abs(duration.total_seconds() if isinstance(duration, timedelta) else duration)
    for size, unit in UNITS:
        if seconds >= size * (1 if unit == "s" else 1.5):
            return f"{seconds / size:.0f} {unit}"
    return "0 s"


def relative(moment: datetime, now: datetime) -> str:
    """``3 min ago``, ``in 2 h``, ``now``."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {rough(seconds)}" if seconds > 0 else f"{rough(seconds)} ago"


def size(count: int | None) -> str:
    """`count` bytes as ``3.4 MiB``; empty for None."""
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def number(count: int, most: int | None = None) -> str:
    """`count` with its thousands apart; ``10,000+`` where it was counted no further than `most`."""
    return f"{count:,}+" if most is not None and count >= most else f"{count:,}"


def short(count: int) -> str:
    """`count` in few characters: ``950``, ``12.3k``, ``1.2M``."""
    for unit, divisor in (("M", 1_000_000), ("k", 1_000)):
        if count >= divisor * (10 if unit == "k" else 1):
            return f"{count / divisor:.1f}{unit}"
    return f"{count:,}"
