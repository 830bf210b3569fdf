"""Why a schedule was turned down."""

SHOWN = 60  # characters of a bad text repeated in a message; the rest would hide the reason


class ScheduleError(ValueError):
    """A schedule, or its time zone, that cannot be used; the message says what is wrong and what is allowed.

    `field` names the part at fault: "second", "minute", "hour", "day-of-month", "month", "day-of-week",
    "timezone", or "schedule" when it is the text as a whole.
    """

    def __init__(self, message: str, field: str = "schedule") -> None:
        super().__init__(message)
        self.field = field


def refusal(field: str, text: str, reason: str) -> ScheduleError:
    """The error for `text` in `field`, as in `hour field "25": must be within 0-23`."""
    noun = field if field in ("schedule", "timezone") else f"{field} field"
    return ScheduleError(f"{noun} {quoted(text)}: {reason}", field)


def quoted(text: str) -> str:
    """`text` in double quotes, short and printable whatever was sent."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:SHOWN])
    return f'"{shown}..."' if len(text) > SHOWN else f'"{shown}"'
