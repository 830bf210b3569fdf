"""The jobs that fault tests let fire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tests.faults.house import House

POLICIES = ("once", "once", "once", "all", "skip")


def fire_each_second(
    house: House, count: int, seconds: float, script: str = "sleep 0.05", policies: Sequence[str] = POLICIES
) -> datetime:
    """Make `count` shell jobs that are due each second, for so many seconds from now; return when that ends."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    jobs = [
        house.job(
            f"second-{number:02}",
            script,
            schedule="@every 1s",
            expires_at=until.isoformat(),
            misfire_policy=policies[number % len(policies)],
        )
        for number in range(count)
    ]
    house.do("create", jobs=jobs)
    return until


def left(until: datetime) -> float:
    """Seconds until then."""
    return (until - datetime.now(UTC)).total_seconds()


def paced(until: datetime, pause: float, least: int) -> Iterator[int]:
    """Numbers from 0, each after `pause` seconds, until a little before `until`; `least` of them in any case."""
    number = 0
    while number < least or left(until) > pause + 3:
        yield number
        number += 1
