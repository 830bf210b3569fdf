"""The rules as a process has them in mind, so that the engine need not ask the database whether anybody wants to know.

`reload` reads them anew: every worker and scheduler does so every five seconds (executions.notifications.loop), so a
change counts everywhere within that time. What is recorded in vain because a rule has gone meanwhile is thrown away
when it is dispatched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from executions.notifications import standing
from executions.notifications.models import NotificationRule
from jobs.models import Job

Kind = NotificationRule.Event


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule; `target` is the id of one, or the name of something that the settings have sent."""

    id: int
    event: str
    target: int | str
    job: int | None = None
    owner: str = ""
    label: tuple[str, str] | None = None
    late_after: int | None = None

    def concerns(self, job: Job) -> bool:
        """Whether `job` is one that it is about."""
        if self.label:
            return bool(job.metadata.get(self.label[0]) == self.label[1])
        return self.may_concern(job.pk) and (not self.owner or self.owner == job.owner)

    def may_concern(self, job: int) -> bool:
        """As far as that can be told by the job's id alone."""
        return self.job in (None, job)


@dataclass(frozen=True, slots=True)
class Interest:
    """All enabled rules, by event."""

    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def of(self, *events: str) -> list[Rule]:
        return [rule for event in events for rule in self.rules.get(event, ())]

    def may_want(self, job: int, *events: str) -> bool:
        return any(rule.may_concern(job) for event in events for rule in self.rules.get(event, ()))


_NOTHING = Interest()
_in_mind: Interest | None = None


def in_mind() -> Interest:
    """The rules as they were last read by this process; they are read now where it has not done so yet."""
    return _in_mind if _in_mind is not None else reload()


def in_mind_of_worker() -> Interest:
    """As `in_mind`, without ever asking the database: every worker reads the rules before it claims anything."""
    return _in_mind if _in_mind is not None else _NOTHING


def reload() -> Interest:
    """Read the rules: one query on a small table."""
    global _in_mind
    _in_mind = read()
    return _in_mind


def forget() -> None:
    """Read the rules anew when they are needed next."""
    global _in_mind
    _in_mind = None


def read() -> Interest:
    """The rules that are enabled, and those that the settings make."""
    found: dict[str, tuple[Rule, ...]] = {}
    for row in NotificationRule.objects.filter(is_enabled=True):
        label = (row.label_key, row.label_value) if row.label_key else None
        rule = Rule(row.pk, row.event, row.target_id, row.job_id, row.owner, label, row.late_after)
        found[row.event] = (*found.get(row.event, ()), rule)
    for event, name in standing.orders():
        found[event] = (*found.get(event, ()), Rule(0, event, name))
    return Interest(found)
