"""`check_invariants`: rows as the engine leaves them hold every rule, and each broken one is told in a sentence."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import house
from executions.engine.fire import fire_due
from executions.engine.sweep import sweep
from executions.invariants import RULES, SHOWN, check
from executions.models import Execution
from executions.states import Reason, Status
from jobs import services
from jobs.models import Job, JobRecord
from jobtypes.models import JobType, JobTypeRevision
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_worker, an_execution
from tests.executions.acts import BAD, LATER, ask, end, newest, of, run, take, take_one

pytestmark = pytest.mark.django_db


AT = "2026-11-21T12:00:00"


def broken(now=LATER, **how) -> list[str]:
    """A sentence for each violation."""
    return [sentence for finding in check(now, **how) for sentence in finding.violations]


def change(execution: Execution, **columns) -> None:
    Execution.objects.filter(pk=execution.pk).update(**columns)


# --- A sound house ----------------------------------------------------------------------------------------------------
def test_an_empty_house_holds_every_rule():
    assert broken(is_pruned=False) == []


def test_a_house_in_which_much_has_happened_holds_every_rule():
    worker = a_worker()
    a_job("top", schedule="@every 1m", retries=1, retry_delay=0)
    a_job("below", parents=["top"], concurrency="forbid")
    a_job("bottom", parents=["below"])
    now = NOON
    for n in range(12):
        now += 10 * SECOND
        fire_due(now)
        for execution in take(worker, now, room=3):
            if n % 5 != 4:
                end(execution, now + SECOND, error=BAD if n % 3 == 0 else None)
        sweep(now + 2 * SECOND)

    assert Execution.objects.count() > 5
    assert broken(now + 3 * SECOND, is_pruned=False) == []


def test_pruned_history_is_no_violation():
    job = a_job()
    run(ask(job), a_worker())
    run(ask(job), a_worker(), error=BAD)
    Execution.objects.filter(status=Status.COMPLETED).delete()

    assert broken() == []
    assert broken(is_pruned=False) == [
        f"{job.name} has 0 executions that completed and 1 that failed; its record counts 1 and 1."
    ]


def test_a_pinned_or_disabled_job_without_a_next_instant_is_no_violation():
    a_job(schedule="@every 1h", is_enabled=False)
    a_job(schedule="@at 2026-11-20T00:00:00Z")
    a_job(schedule="@daily", expires_at=NOON + SECOND)
    services.pause(a_job(schedule="@every 1s"), by="ada", now=NOON)

    assert broken(NOON + HOUR) == []


# --- What is broken is told -------------------------------------------------------------------------------------------
def test_an_instant_that_the_job_does_not_know_of():
    job = a_job("daily", schedule="@daily")
    execution = an_execution(job, trigger="schedule", scheduled_for=NOON)

    assert broken() == [
        f"Execution {execution.pk} of daily is for 2026-11-21T12:00:00.000+00:00, but the job was last fired for never."
    ]


def test_times_that_are_out_of_order():
    execution = an_execution(status=Status.COMPLETED)
    change(execution, started=execution.ended + SECOND)
    JobRecord.objects.filter(job=execution.job).update(success_count=1)

    (said,) = broken()

    assert said.startswith(f"Execution {execution.pk} (COMPLETED): created 2026-11-21T12:00:00")


@pytest.mark.parametrize("missing", ["queued", "started"])
def test_a_time_that_is_missing(missing):
    execution = an_execution(status=Status.QUEUED if missing == "queued" else Status.RUNNING)
    change(execution, **{missing: None})

    assert len(broken(NOON)) == 1


def test_a_gap_between_tries():
    first = an_execution(status=Status.CANCELED)
    second = an_execution(of=first)
    change(second, attempt=3)

    assert broken() == [
        f"Execution {second.pk} is try 3 of run {first.pk}, which has no try 2 that ended before it.",
        f"Execution {first.pk} is said not to be the last try of run {first.pk}, but no other follows it.",
    ]


def test_two_tries_that_both_say_they_are_the_last():
    first = an_execution(status=Status.CANCELED)
    an_execution(of=first)
    change(first, is_last_try=True)

    assert len(broken()) == 1


def test_tries_that_overlap():
    first = an_execution(status=Status.CANCELED)
    second = an_execution(of=first, status=Status.RUNNING, created=NOON + SECOND)

    (told,) = broken(NOON + 5 * SECOND)

    assert told.startswith(f"Execution {second.pk}, try 2 of run {first.pk}, began at {AT[:-2]}02.000+00:00, before")


def test_a_lease_that_has_passed():
    execution = an_execution(status=Status.RUNNING, lease_until=NOON)

    assert broken(NOON + 10 * SECOND) == []
    (said,) = broken(NOON + 11 * SECOND)

    assert said.startswith(f"Execution {execution.pk} is RUNNING on worker-")


def test_something_queued_for_long_with_a_free_slot():
    execution = an_execution(a_job("slow"))
    now = NOON + MINUTE
    assert broken(now) == []

    a_worker(seen=now, last_looked=now)

    assert broken(now) == [
        f"Execution {execution.pk} of slow is QUEUED since {AT}.000+00:00, although a worker has a free slot."
    ]


@pytest.mark.parametrize("why", ["house", "job", "type", "limit", "forbid", "busy", "tags", "new"])
def test_something_queued_for_a_reason(why):
    now = NOON + MINUTE
    a_job_type("limited", max_scheduled=1)
    job = a_job(job_type={"name": "limited"}, configuration={}, concurrency="forbid" if why == "forbid" else "allow")
    an_execution(job, needs_worker=why == "tags", **({"queued": now - SECOND} if why == "new" else {}))
    a_worker(seen=now, last_looked=now, slots=1 if why == "busy" else 5)
    match why:
        case "house":
            house.pause("ada", "", NOON)
        case "job":
            services.pause(job, by="ada", now=NOON)
        case "type":
            JobType.objects.filter(name="limited").update(is_paused=True)
        case "limit" | "forbid":
            an_execution(job, status=Status.RUNNING, created=now)
        case "busy":
            an_execution(status=Status.RUNNING, created=now)

    assert broken(now) == []


def test_a_run_that_waits_for_nothing():
    execution = an_execution(a_job("lone", concurrency="forbid"), status=Status.BLOCKED, reason=Reason.CONCURRENCY)

    assert broken(NOON + MINUTE) == [
        f"Execution {execution.pk} waits for another run of lone to end, and there is none."
    ]


def test_a_type_over_its_limit():
    job_type = a_job_type("limited", max_scheduled=1)
    JobType.objects.filter(pk=job_type.pk).update(last_modified=NOON)
    job = a_job(job_type={"name": "limited"}, configuration={})
    an_execution(job, status=Status.RUNNING), an_execution(job, status=Status.RUNNING)

    assert broken() == ["2 executions of limited 1.0.0 run at once, of which 1 may."]


def test_what_ran_when_the_limit_was_lowered_may_go_on():
    a_job_type("limited", max_scheduled=1)
    JobType.objects.update(last_modified=NOON + MINUTE)
    job = a_job(job_type={"name": "limited"}, configuration={})
    an_execution(job, status=Status.RUNNING), an_execution(job, status=Status.RUNNING)

    assert broken() == []


def test_two_runs_of_a_job_that_forbids_overlap():
    job = a_job("single", concurrency="forbid")
    Job.objects.update(last_modified=NOON)
    an_execution(job, status=Status.RUNNING), an_execution(job, status=Status.RUNNING)

    assert broken() == ["2 runs of single go on at once, and its concurrency is forbid."]


def test_a_record_that_counts_too_few():
    job = a_job("counted")
    run(ask(job), a_worker())
    JobRecord.objects.filter(job=job).update(success_count=0)

    assert broken() == ["counted has 1 executions that completed and 0 that failed; its record counts 0 and 0."]


def family() -> tuple[Job, Job]:
    parent, child = a_job("parent"), a_job("child", parents=["parent"])
    Job.objects.update(last_modified=NOON - HOUR)
    return parent, child


def test_a_child_that_started_before_its_parent_had_completed():
    parent, child = family()
    ask(parent)
    early = newest(child)
    change(early, status=Status.QUEUED, queued=NOON)
    change(early, status=Status.RUNNING, started=NOON, worker=a_worker(), lease_until=LATER)

    assert broken() == [
        f"Execution {early.pk} of child started at {AT}.000+00:00, before all of its parents had completed."
    ]


def test_a_child_that_an_operator_ran_all_the_same_is_no_violation():
    parent, child = family()
    ask(parent)
    end(take_one(a_worker()), error=BAD)
    discarded = newest(child)
    an_execution(of=discarded, status=Status.RUNNING, created=LATER)

    assert broken() == []


def test_a_child_that_waits_for_a_dead_parent():
    parent, child = family()
    ask(parent)
    change(newest(parent), status=Status.CANCELED, ended=NOON)

    assert broken(NOON + MINUTE) == [
        f"Execution {newest(child).pk} of child still waits for a parent that failed or was canceled."
    ]


def test_a_child_that_waits_for_the_retry_of_a_parent_is_no_violation():
    parent, child = family()
    ask(parent)
    end(take_one(a_worker()), error=BAD)
    an_execution(of=newest(parent), created=LATER)
    an_execution(child, status=Status.BLOCKED, origin=newest(parent).origin, trigger="parent")
    Execution.objects.filter(status=Status.BLOCKED).update(origin=newest(parent).origin)

    assert broken(NOON + MINUTE) == []
    assert len(of(child)) == 2


@pytest.mark.parametrize("wrong", [None, NOON + 90 * SECOND])
def test_a_next_instant_that_the_schedule_does_not_have(wrong):
    job = a_job("minutely", schedule="@every 1m")
    Job.objects.filter(pk=job.pk).update(next_run_at=wrong)

    (said,) = broken()

    assert said.startswith("minutely (@every 1m) is to run next at ")
    assert said.endswith("its schedule says 2026-11-21T12:01:00.000+00:00.")


def test_an_instant_that_has_come_is_one_of_the_schedules():
    job = a_job("minutely", schedule="@every 1m")

    assert broken(NOON + HOUR) == []
    Job.objects.filter(pk=job.pk).update(next_run_at=NOON + 61 * SECOND)
    assert len(broken(NOON + HOUR)) == 1


def test_a_schedule_that_cannot_be_computed():
    Job.objects.filter(pk=a_job("odd").pk).update(schedule="now and then")

    (said,) = broken()

    assert said.startswith("odd's schedule now and then cannot be computed")


def test_a_revision_of_another_type():
    execution = an_execution()
    other = JobTypeRevision.objects.exclude(job_type=execution.job_type).first()
    change(execution, revision=other)

    assert broken(NOON) == [
        f"Execution {execution.pk} is pinned to revision {other.pk}, which is not one of its job type."
    ]


# --- The command ------------------------------------------------------------------------------------------------------
def command(*words: str) -> tuple[int, str]:
    """The exit code of the command, and what it printed."""
    out = StringIO()
    try:
        call_command("check_invariants", *words, stdout=out)
    except SystemExit as left:
        return int(left.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_leaves_with_0_when_all_rules_hold():
    assert command() == (0, f"All {len(RULES)} rules hold.\n")


def test_the_command_names_what_is_broken_and_leaves_with_1():
    execution = an_execution(a_job("lone", concurrency="forbid"), status=Status.BLOCKED, reason=Reason.CONCURRENCY)

    code, said = command()

    assert code == 1
    assert "Broken: What waits for another run of its job has one to wait for.\n" in said
    assert f"  Execution {execution.pk} waits for another run of lone to end, and there is none.\n" in said
    assert f"{len(RULES) - 1} of {len(RULES)} rules hold.\n" in said


def test_the_command_speaks_json():
    an_execution(a_job("lone", concurrency="forbid"), status=Status.BLOCKED, reason=Reason.CONCURRENCY)

    code, said = command("--json", "--nothing-pruned")

    answer = json.loads(said)
    assert (code, answer["holds"], len(answer["rules"])) == (1, False, len(RULES) + 1)
    assert [len(rule["violations"]) for rule in answer["rules"] if rule["violations"]] == [1]


def test_only_so_many_violations_of_a_rule_are_told():
    job = a_job()
    for _ in range(SHOWN + 5):
        change(an_execution(job), queued=None)

    assert len(broken(NOON)) == SHOWN
    assert command()[1].count("There may be more.") == 1


def test_the_check_costs_the_same_number_of_queries_whatever_there_is():
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            check(LATER)
        return len(captured)

    few = queries()
    job = a_job()
    for _ in range(30):
        an_execution(job, status=Status.CANCELED)

    assert queries() == few <= len(RULES) + 6
