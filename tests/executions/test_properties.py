"""Whatever happens in whatever order, the rules hold after every step, and the house comes to rest in the end."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from executions import house
from executions.engine import cancel, finish, lease, submit
from executions.engine.fire import fire_due
from executions.engine.sweep import queue_ready, sweep
from executions.invariants import EXACT_COUNTS, RULES
from executions.models import Execution
from executions.states import FINAL, LIVE, Door, Reason, Status, Trigger
from jobs import services
from jobs.models import Job, JobRecord
from jobtypes.models import JobType
from tests.builders import HOUR, NOON, SECOND, a_job, a_job_type, a_worker
from tests.executions.acts import BAD, RETRIED, ask, ended, loaded, take

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("JOBHOUSE_EXAMPLES", "8"))
"""Stories that are told; a search for bugs takes hundreds."""
LIMIT = 2
ALWAYS = [r for r in (*RULES, EXACT_COUNTS) if r.number != 6]
"""The rules that hold at any moment; those about what is stuck hold once somebody has swept."""


class House(RuleBasedStateMachine):
    """Two workers, some jobs that depend on each other, and a clock that only these steps move."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now: datetime = NOON
        self.held: list[Execution] = []
        self.ends: dict[int, tuple[Any, ...]] = {}

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @initialize(
        concurrency=st.tuples(*[st.sampled_from(Job.Concurrency.values)] * 3),
        policy=st.sampled_from(Job.Misfire.values),
        retries=st.integers(0, 2),
        at_most_once=st.booleans(),
    )
    def open(self, concurrency, policy, retries, at_most_once):
        self.workers = [a_worker(), a_worker()]
        a_job_type("limited", max_scheduled=LIMIT, max_tries=3)
        own = {"job_type": {"name": "limited"}, "configuration": {}, "retry_delay": 5, "deadline": 600}
        a_job("top", schedule="@every 10s", misfire_policy=policy, retries=retries, concurrency=concurrency[0], **own)
        a_job("left", parents=["top"], retries=retries, concurrency=concurrency[1], **own)
        a_job("right", parents=["top"], at_most_once=at_most_once, retry_delay=0)
        a_job("bottom", parents=["left", "right"], schedule="*/1 * * * *", concurrency=concurrency[2])
        self.edited()

    def edited(self) -> None:
        """Tables that a person changed bear the clock's time, which is not this one's."""
        Job.objects.update(last_modified=NOON - HOUR)
        JobType.objects.update(last_modified=NOON - HOUR)

    # --- What happens ---------------------------------------------------------------------------------------------
    @rule(seconds=st.sampled_from([1, 3, 7, 10, 31, 95]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def the_scheduler_ticks(self):
        fire_due(self.now)
        queue_ready(self.now)

    @rule(name=st.sampled_from(["top", "left", "bottom"]), later=st.sampled_from([0, 0, 0, 20]))
    def somebody_asks_for_a_run(self, name, later):
        job = Job.objects.filter(name=name, archived=None).first()
        if job:
            ask(job, self.now, at=self.now + timedelta(seconds=later) if later else None)

    @rule(name=st.sampled_from(["top", "left", "bottom"]))
    def many_runs_are_asked_for_and_claimed(self, name):
        job = Job.objects.filter(name=name, archived=None).first()
        for _ in range(4):
            ask(job, self.now)
        for worker in self.workers:
            self.held += take(worker, self.now, 4)

    @rule(who=st.integers(0, 1), number=st.integers(1, 5), error=st.sampled_from([None, None, BAD]))
    def a_worker_runs_some_to_their_end(self, who, number, error):
        """One after the other; what they set off among them. The last one fails, if any."""
        for n in range(number, 0, -1):
            for execution in take(self.workers[who], self.now):
                self.held.append(execution)
                self.now += SECOND
                finish.finish([ended(execution, self.now, error=error if n == 1 else None)], self.now)

    @rule(who=st.integers(0, 1), room=st.integers(1, 4))
    def a_worker_claims(self, who, room):
        self.held += take(self.workers[who], self.now, room)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), error=st.sampled_from([None, None, BAD, RETRIED, "worker-lost"]), back=st.integers(0, 9))
    def a_worker_records_an_end(self, data, error, back):
        """It may have lost its lease since, or have recorded this before."""
        execution = data.draw(st.sampled_from(self.held))
        how: dict[str, Any] = {"stopped": True, "handed_back": True} if back == 0 else {}
        if error == "worker-lost":
            how["reason"] = "worker-lost"
        finish.finish([ended(loaded(execution), self.now, error=error, **how)], self.now)

    @precondition(lambda self: self.held)
    @rule(who=st.integers(0, 1))
    def a_worker_records_all_that_it_runs(self, who):
        mine = [loaded(e) for e in self.held if e.worker_id == self.workers[who].pk]
        if mine:
            finish.finish([ended(e, self.now, error=BAD if e.pk % 4 == 0 else None) for e in mine], self.now)

    @rule(who=st.integers(0, 1))
    def a_worker_renews(self, who):
        lease.renew(self.workers[who], self.now)

    @rule(data=st.data())
    def somebody_cancels(self, data):
        live = list(Execution.objects.live().order_by("pk"))
        if live:
            cancel.cancel(data.draw(st.sampled_from(live)), by="ada", now=self.now)

    @rule(data=st.data())
    def somebody_retries(self, data):
        over = list(Execution.objects.filter(status__in=FINAL, is_last_try=True, job__archived=None).order_by("pk"))
        if over:
            submit.retry(data.draw(st.sampled_from(over)), by="eve", door=Door.CONSOLE, now=self.now)

    @rule()
    def somebody_sweeps(self):
        sweep(self.now)
        for number_six in (r for r in RULES if r.number == 6):
            assert list(number_six.broken(self.now)) == []

    @rule()
    def nothing_starts_while_the_house_is_paused(self):
        house.pause("ada", "", self.now)
        assert fire_due(self.now).jobs == 0
        assert take(self.workers[0], self.now, 4) == []
        house.resume("ada", self.now)

    @rule(paused=st.booleans())
    def a_job_is_paused_or_goes_on(self, paused):
        job = Job.objects.get(name="top", archived=None)
        if paused:
            services.pause(job, by="ada", now=self.now)
        else:
            services.resume(job, by="ada", now=self.now)
        self.edited()

    @rule(concurrency=st.sampled_from(Job.Concurrency.values))
    def a_job_is_edited(self, concurrency):
        job = Job.objects.get(name="left", archived=None)
        if not job.executions.running().exists():  # what runs already may go on beside itself
            services.update(job, {"concurrency": concurrency}, by="ada", now=self.now, partial=True)
            self.edited()

    # --- What holds -----------------------------------------------------------------------------------------------
    @invariant()
    def every_rule_holds(self):
        for always in ALWAYS:
            assert list(always.broken(self.now)) == []

    @invariant()
    def limits_hold(self):
        running = Execution.objects.running()
        assert running.filter(job_type__name="limited").count() <= LIMIT
        for job in Job.objects.exclude(concurrency="allow"):
            assert running.filter(job=job).values("group").distinct().count() <= 1

    @invariant()
    def what_waits_for_its_turn_has_somebody_to_wait_for(self):
        waiting = Execution.objects.filter(status=Status.BLOCKED, reason=Reason.CONCURRENCY, job__concurrency="forbid")
        for job in waiting.values_list("job", flat=True).distinct():
            assert Execution.objects.filter(job=job).occupying().exists()

    @invariant()
    def what_is_over_stays_as_it_is(self):
        rows = Execution.objects.filter(status__in=FINAL).values_list(
            "pk", "status", "reason", "started", "ended", "error"
        )
        ends = {key: facts for key, *facts in rows}
        assert all(ends[key] == facts for key, facts in self.ends.items())
        self.ends = ends

    @invariant()
    def what_was_fired_and_missed_is_what_was_due(self):
        for job in Job.objects.filter(last_scheduled_for__isnull=False):
            due = job.parsed_schedule.count_between(NOON, job.last_scheduled_for, job.schedule_anchor)
            fired = job.executions.filter(trigger=Trigger.SCHEDULE, attempt=1).count()
            assert fired + JobRecord.objects.get(job=job).missed_count == due

    @invariant()
    def a_run_has_one_latest_try(self):
        groups = Execution.objects.values("group").distinct().count()
        assert Execution.objects.runs().count() == groups

    def come_to_rest(self) -> None:
        """With nothing more asked of it, all that was accepted ends within a bounded time."""
        house.resume("ada", self.now)
        Job.objects.update(paused_at=None, is_enabled=False)
        for _ in range(40):
            self.now += 31 * SECOND  # every lease passes, every retry comes
            sweep(self.now)
            for worker in getattr(self, "workers", []):
                lease.renew(worker, self.now)
                taken = take(worker, self.now, 20)
                if taken:
                    finish.finish([ended(execution, self.now) for execution in taken], self.now)
            if not Execution.objects.filter(status__in=LIVE).exists():
                break
        left = Execution.objects.filter(status__in=LIVE).values_list("pk", "job__name", "status", "reason")
        assert list(left) == []
        self.every_rule_holds()
        assert not Execution.objects.filter(status=Status.FAILED, is_last_try=True, error=None).exists()


def test_the_rules_hold_whatever_happens():
    run_state_machine_as_test(
        House,
        settings=settings(
            max_examples=EXAMPLES if connection.vendor == "sqlite" else 2,  # the rules are the same, the time is not
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
