"""Is another try due, and when: pure decisions."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

MAX_DELAY = timedelta(hours=1)
POISON = 3
"""So many workers lost in a row to one run, and it is not tried again."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a run's slot when one of its tries has failed.

    `failures` counts the tries that failed by themselves, this one included; `losses` those that were cut short in a
    row, at the end, by the loss of their worker.
    """

    failures: int
    losses: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What the job and its type allow: seconds of the first delay, and how many tries."""

    retries: int = 0
    max_tries: int = 1
    delay: int = 1
    at_most_once: bool = False


def delay_after_failure(
    history: History, policy: Policy, should_be_retried: bool, chance: float | None = None
) -> timedelta | None:
    """How long to wait before the next try; None when there is none.

    Another try follows while the job's own `retries` last, or when the error says that a retry helps and the type's
    `max_tries` are not used up. Exponential back-off with full jitter: `chance` (0 to 1) of the doubled delay.
    """
    if policy.at_most_once:
        return None
    if history.failures > policy.retries and not (should_be_retried and history.failures < policy.max_tries):
        return None
    doublings: int = 2 ** min(history.failures - 1, 20)
    full = min(timedelta(seconds=policy.delay) * doublings, MAX_DELAY)
    share = random.random() if chance is None else chance
    return full * share


def follows_loss(history: History, policy: Policy) -> bool:
    """Whether a try that was lost with its worker is tried again, at once and without using up a retry."""
    return not policy.at_most_once and history.losses < POISON
