"""Children wait for their parents, and are discarded with a reason when one does not complete."""

from __future__ import annotations

from datetime import timedelta

import pytest

from executions.engine import dependants, finish, submit
from executions.engine.cancel import cancel
from executions.engine.fire import fire_due
from executions.engine.sweep import sweep
from executions.models import Execution
from executions.states import Door, Status, Trigger
from jobs import services
from jobs.models import Job
from jobtypes.models import JobType
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_worker
from tests.executions.acts import BAD, LATER, ask, at_once, end, ended, loaded, newest, of, statuses, take, take_one

pytestmark = pytest.mark.django_db


def diamond() -> tuple[Job, Job, Job, Job]:
    """Bottom waits for left and right, and both of them for top."""
    return (
        a_job("top"),
        a_job("left", parents=["top"]),
        a_job("right", parents=["top"]),
        a_job("bottom", parents=["left", "right"]),
    )


def work(*, failing: tuple[str, ...] = (), now=LATER) -> list[str]:
    """Let a worker run all that it is handed until nothing is left; the names of the jobs, in order."""
    worker, names = a_worker(), []
    while taken := take(worker, now):
        for execution in taken:
            names.append(execution.job.name)
            end(execution, now + SECOND, error=BAD if execution.job.name in failing else None)
        now += SECOND
    return names


def retry(execution: Execution, now=LATER) -> Execution:
    return submit.retry(execution, by="eve", door=Door.CONSOLE, now=now)


# --- What a run sets off ----------------------------------------------------------------------------------------------
def test_a_run_makes_the_executions_of_all_jobs_below_it():
    top, left, right, bottom = diamond()

    first = ask(top)

    for job in (left, right, bottom):
        (execution,) = of(job)
        assert (execution.status, execution.trigger, execution.origin) == (Status.BLOCKED, Trigger.PARENT, first.group)
        assert (execution.group, execution.requested_by, execution.door) == (execution.pk, "ada", Door.NATIVE)


def test_a_schedule_sets_off_the_jobs_below_too():
    job = a_job("hourly", schedule="@every 1h")
    child = a_job("child", parents=["hourly"])

    fire_due(NOON + HOUR)

    assert (newest(child).status, newest(child).origin) == (Status.BLOCKED, newest(job).group)
    assert newest(child).scheduled_for is None


def test_a_diamond_runs_from_top_to_bottom():
    ask(diamond()[0])

    assert work() == ["top", "left", "right", "bottom"]


def test_a_child_starts_when_the_last_of_its_parents_has_completed():
    top, _, _, bottom = diamond()
    ask(top)
    worker = a_worker()
    end(take_one(worker))
    one, two = take(worker, LATER, room=5)

    end(one)
    assert newest(bottom).status == Status.BLOCKED
    end(two, LATER + SECOND)

    assert (newest(bottom).status, newest(bottom).queued) == (Status.QUEUED, LATER + SECOND)


def test_both_parents_may_end_in_one_batch():
    top, _, _, bottom = diamond()
    ask(top)
    worker = a_worker()
    end(take_one(worker))

    finish.finish([ended(execution) for execution in take(worker, LATER, room=5)], LATER)

    assert newest(bottom).status == Status.QUEUED


def test_two_runs_of_a_parent_do_not_mix():
    parent = a_job("parent")
    child = a_job("child", parents=["parent"])
    first, second = ask(parent), ask(parent)
    one, two = take(a_worker(), room=2)

    end(two)

    states = {execution.origin: execution.status for execution in of(child)}
    assert states == {first.group: Status.BLOCKED, second.group: Status.QUEUED}
    assert one.pk == first.pk


def test_a_child_of_another_depth_is_reached_by_every_way():
    """The short way to bottom must not hide the long one."""
    a_job("top")
    a_job("middle", parents=["top"])
    bottom = a_job("bottom", parents=["top", "middle"])
    below = a_job("below", parents=["bottom"])

    ask(Job.objects.get(name="top"))

    assert [len(of(job)) for job in (bottom, below)] == [1, 1]
    assert work() == ["top", "middle", "bottom", "below"]


def test_several_origins_at_once_each_get_all_that_is_below():
    a, b = a_job("a", schedule="@every 1h"), a_job("b", schedule="@every 1h")
    a_job("c", parents=["b"])
    y = a_job("y", parents=["a", "c"])
    z = a_job("z", parents=["y"])

    fire_due(NOON + HOUR)

    origins = {newest(a).group, newest(b).group}
    assert {e.origin for e in of(y)} == origins
    assert {e.origin for e in of(z)} == origins


@pytest.mark.parametrize("why", ["disabled", "expired", "archived", "not yet begun", "inactive type"])
def test_a_child_that_cannot_run_gets_no_execution_and_nothing_only_below_it_does(why):
    top, left, _right, bottom = diamond()
    only_left = a_job("only-left", parents=["left"])
    changes = {
        "disabled": {"is_enabled": False},
        "expired": {"expires_at": NOON - SECOND},
        "archived": {"archived": NOON},
        "not yet begun": {"starts_at": NOON + HOUR},
        "inactive type": {"job_type": a_job_type("off", is_active=False), "follows_newest": False},
    }
    Job.objects.filter(pk=left.pk).update(**changes[why])

    ask(top)

    assert (of(left), of(only_left), len(of(bottom))) == ([], [], 1)
    assert work() == ["top", "right", "bottom"]


def test_the_deadline_of_a_child_counts_from_when_its_origin_is_to_start():
    parent = a_job("parent")
    child = a_job("child", parents=["parent"], deadline=60)

    ask(parent, at=NOON + timedelta(days=1))
    sweep(NOON + HOUR)

    assert newest(child).start_by == NOON + timedelta(days=1) + MINUTE
    assert newest(child).status == Status.BLOCKED


# --- When a parent does not complete ----------------------------------------------------------------------------------
def test_a_failed_parent_discards_all_that_is_below_it():
    top, left, right, bottom = diamond()
    ask(top)

    assert work(failing=("top",)) == ["top"]

    assert [statuses(job) for job in (left, right, bottom)] == [["CANCELED upstream"]] * 3
    assert newest(bottom).message == "A job that it waits for did not complete."
    assert newest(bottom).ended is not None


def test_one_failed_parent_is_enough():
    top, _, right, bottom = diamond()
    ask(top)

    work(failing=("left",))

    assert (statuses(right), statuses(bottom)) == (["COMPLETED"], ["CANCELED upstream"])


def test_a_canceled_parent_discards_its_children():
    parent = a_job("parent")
    child = a_job("child", parents=["parent"])

    cancel(ask(parent), by="ada", now=LATER)

    assert statuses(child) == ["CANCELED upstream"]


def test_a_canceled_child_discards_what_is_below_it_and_not_its_siblings():
    top, left, right, bottom = diamond()
    ask(top)

    cancel(newest(left), by="ada", now=LATER)

    assert [statuses(job) for job in (top, left, right, bottom)] == [
        ["QUEUED"], ["CANCELED user"], ["BLOCKED"], ["CANCELED upstream"],
    ]  # fmt: skip


def test_a_parent_that_is_tried_again_keeps_its_children_waiting():
    parent = a_job("parent", retries=1, retry_delay=0)
    child = a_job("child", parents=["parent"])
    ask(parent)

    end(take_one(a_worker()), error=BAD)
    assert statuses(child) == ["BLOCKED"]
    end(take_one(a_worker(), LATER))

    assert statuses(child) == ["QUEUED"]


def test_a_parent_that_is_handed_back_keeps_its_children_waiting():
    parent = a_job("parent")
    child = a_job("child", parents=["parent"])
    ask(parent)

    end(take_one(a_worker()), stopped=True, handed_back=True)

    assert statuses(child) == ["BLOCKED"]


def test_a_parent_that_expired_discards_its_children():
    parent = a_job("parent", deadline=60)
    child = a_job("child", parents=["parent"])
    ask(parent)

    sweep(NOON + HOUR)

    assert (statuses(parent), statuses(child)) == (["CANCELED expired"], ["CANCELED upstream"])


def test_a_parent_that_was_lost_for_good_discards_its_children():
    parent = a_job("parent", at_most_once=True)
    child = a_job("child", parents=["parent"])
    ask(parent)
    take_one(a_worker())

    sweep(NOON + HOUR)

    assert statuses(child) == ["CANCELED upstream"]


# --- Retries ----------------------------------------------------------------------------------------------------------
def test_a_retry_of_a_parent_sets_its_dependants_off_anew():
    top, left, right, bottom = diamond()
    ask(top)
    work(failing=("top",))

    retry(newest(top))

    assert [statuses(job) for job in (left, right, bottom)] == [["CANCELED upstream", "BLOCKED"]] * 3
    assert work(now=LATER + MINUTE) == ["top", "left", "right", "bottom"]
    assert {execution.origin for execution in Execution.objects.all()} == {newest(top).group}


def test_a_retry_of_one_parent_waits_for_the_other_as_it_stood():
    top, left, right, bottom = diamond()
    ask(top)
    work(failing=("left",))

    retry(newest(left))

    assert work(now=LATER + MINUTE) == ["left", "bottom"]
    assert statuses(bottom) == ["CANCELED upstream", "COMPLETED"]
    assert (len(of(top)), len(of(right))) == (1, 1)


def test_a_child_that_still_waits_when_its_parent_is_retried_goes_on_waiting():
    top, _, _, bottom = diamond()
    ask(top)
    worker = a_worker()
    end(take_one(worker))
    one, two = take(worker, LATER, room=2)
    end(one)
    assert newest(bottom).status == Status.BLOCKED

    retry(loaded(one))
    assert statuses(bottom) == ["BLOCKED"]
    end(two, LATER + SECOND)
    assert statuses(bottom) == ["BLOCKED"]
    end(take_one(worker, LATER + MINUTE), LATER + MINUTE)

    assert statuses(bottom) == ["QUEUED"]


def test_a_discarded_child_may_be_run_by_hand_all_the_same():
    parent = a_job("parent")
    child = a_job("child", parents=["parent"])
    ask(parent)
    work(failing=("parent",))

    retry(newest(child))

    assert work(now=LATER + MINUTE) == ["child"]


# --- Limits, slots, edits ---------------------------------------------------------------------------------------------
def test_a_child_that_forbids_overlap_waits_for_its_own_run_too():
    parent = a_job("parent")
    child = a_job("child", parents=["parent"], concurrency="forbid")
    ask(child)
    ask(parent)
    worker = a_worker()
    own, above = take(worker, room=5)

    end(above)
    assert statuses(child) == ["RUNNING", "BLOCKED concurrency"]
    end(own)

    assert statuses(child) == ["COMPLETED", "QUEUED"]


def test_a_child_runs_on_every_worker_that_its_tags_choose():
    workers = [a_worker(tags={"role": "web"}) for _ in range(2)]
    parent = a_job("parent")
    child = a_job("child", parents=["parent"], tags={"role": "web"})

    ask(parent)
    end(take_one(a_worker()))

    assert {execution.chosen_worker_id for execution in of(child)} == {worker.pk for worker in workers}
    assert statuses(child) == ["QUEUED", "QUEUED"]
    assert len({execution.group for execution in of(child)}) == 1


def test_a_parent_with_slots_has_completed_when_all_of_them_have():
    workers = [a_worker(tags={"role": "web"}) for _ in range(2)]
    parent = a_job("parent", tags={"role": "web"})
    child = a_job("child", parents=["parent"])
    ask(parent)

    end(take_one(workers[0]))
    assert statuses(child) == ["BLOCKED"]
    end(take_one(workers[1]))

    assert statuses(child) == ["QUEUED"]


def test_a_child_whose_parents_were_taken_away_does_not_wait_for_ever():
    a_job("parent")
    child = a_job("child", parents=["parent"])
    ask(Job.objects.get(name="parent"))
    services.update(child, {"parents": []}, by="ada", now=LATER, partial=True)

    sweep(LATER + MINUTE)

    assert statuses(child) == ["QUEUED"]


def test_a_child_waits_on_after_its_origin_was_purged():
    """A parent that runs for long may outlive the history of what set it off."""
    top, _, _, bottom = diamond()
    first = ask(top)
    worker = a_worker()
    end(take_one(worker))
    one, two = take(worker, LATER, room=2)
    Execution.objects.filter(pk=first.pk).delete()

    end(one)
    assert statuses(bottom) == ["BLOCKED"]
    end(two)

    assert statuses(bottom) == ["QUEUED"]


# --- Races ------------------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failing", [False, True])
def test_two_parents_that_end_at_once_decide_about_their_child(failing):
    top, _, _, bottom = diamond()
    worker = a_worker()
    for _ in range(5):
        ask(top)
        end(take_one(worker))
        one, two = take(worker, LATER, room=2)

        at_once([lambda e=one: end(e), lambda e=two: end(e, error=BAD if failing else None)])

        assert statuses(bottom)[-1] == ("CANCELED upstream" if failing else "QUEUED")
        cancel_waiting()


def cancel_waiting() -> None:
    for execution in Execution.objects.filter(status=Status.QUEUED):
        cancel(execution, by="ada", now=LATER)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_child_is_released_once_when_parents_end_and_others_look():
    top, _, _, bottom = diamond()
    ask(top)
    worker = a_worker()
    end(take_one(worker))
    one, two = take(worker, LATER, room=2)
    origin = one.origin

    Execution.objects.running().update(lease_until=LATER + 2 * HOUR)

    at_once([lambda: end(one), lambda: end(two), *[lambda: sweep(LATER + HOUR)] * 2])

    assert statuses(bottom) == ["QUEUED"]
    assert dependants.settle([origin], LATER) == 0


def test_the_newest_version_of_a_childs_type_is_pinned_when_its_origin_is_made():
    a_job_type("growing", version="1.0.0")
    a_job("parent")
    child = a_job("child", parents=["parent"], job_type={"name": "growing"}, configuration={})

    ask(Job.objects.get(name="parent"))
    a_job_type("growing", version="2.0.0")
    work()

    assert newest(child).job_type == JobType.objects.get(name="growing", version="1.0.0")
