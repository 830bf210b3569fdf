"""Taipy's ids: `JOB_<config id>_<uuid>` of a run, `TASK_<config id>_<uuid>` of a job of ours; pure.

The uuid is our number, written as one of version 4. Names may hold `_` and `-`, so ids are read from their right end.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

JOB, TASK = "JOB", "TASK"

_HOUSE = 0x6A6F62686F757365 & ~0xF000 | 0x4000
"""The upper half of every uuid of ours; it says version 4."""
_VARIANT = 0b10 << 62
_LARGEST = 2**62 - 1
_UUID_LENGTH = 36


class Name(NamedTuple):
    kind: str
    config: str
    key: int | None
    """Our number; None of a uuid that is none of ours."""


def uuid_of(key: int) -> UUID:
    return UUID(int=_HOUSE << 64 | _VARIANT | key)


def write(kind: str, config: str, key: int) -> str:
    return f"{kind}_{config}_{uuid_of(key)}"


def read(text: str) -> Name | None:
    """What `text` names; None where it is not of the form KIND_config_uuid."""
    rest, uuid = text[: -_UUID_LENGTH - 1], text[-_UUID_LENGTH:]
    kind, separator, config = rest.partition("_")
    if not separator or not config or text[-_UUID_LENGTH - 1 : -_UUID_LENGTH] != "_":
        return None
    try:
        number = UUID(uuid)
    except ValueError:
        return None
    if str(number) != uuid:
        return None
    key = number.int & _LARGEST
    return Name(kind, config, key if number == uuid_of(key) else None)
