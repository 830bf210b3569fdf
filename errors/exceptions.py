"""Why a call was turned down: the family of refusals that services raise and every door words in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Refused(Exception):
    """The request cannot be carried out."""

    code = "refused"

    def __init__(self, message: str = "", fields: Mapping[str, list[str]] | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.fields = dict(fields or {})
        super().__init__(self.message)


class Invalid(Refused):
    """What was sent is not valid."""

    code = "invalid"

    @classmethod
    def field(cls, name: str, message: str) -> Invalid:
        """One field is wrong; `message` says how."""
        return cls(f"{name}: {message}", {name: [message]})

    @classmethod
    def listing(cls, wrongs: Iterable[tuple[str, str]]) -> Invalid:
        """Several things are wrong: pairs of a place and a message."""
        fields: dict[str, list[str]] = {}
        for place, message in wrongs:
            fields.setdefault(place, []).append(message)
        return cls("; ".join(f"{place}: {', '.join(said)}" for place, said in fields.items()), fields)


class NotFound(Refused):
    """There is no such thing."""

    code = "not_found"


class Conflict(Refused):
    """The state it is in does not allow that."""

    code = "conflict"


class Forbidden(Refused):
    """You may not do that."""

    code = "forbidden"


class Unavailable(Refused):
    """The house is busy; try again in a moment."""

    code = "unavailable"
