"""What a job waits for and what it sets off, as a picture: its parents, theirs, its children, theirs, and how each last
ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.safestring import SafeString

from errors.console.pictures import Node, graph
from errors.console.words import relative
from jobs.models import Job

MAX_NODES, MAX_STEPS = 60, 12

_Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Family:
    drawn: SafeString
    count: int
    """How many jobs are in the picture, itself among them; 1: it stands alone."""
    is_cut: bool
    """More belong to it than MAX_NODES, or further away than MAX_STEPS."""


def read(job: Job, now: datetime) -> Family:
    """One query for each step away from the job, MAX_STEPS in each direction at most, and one for the jobs."""
    edges: set[_Edge] = set()
    keys, is_cut = [job.pk], False
    for upwards in (True, False):
        frontier = [job.pk]
        for _ in range(MAX_STEPS):
            found = _step(frontier, upwards=upwards)
            following = {one if upwards else other for one, other in found}
            fresh = sorted(following - set(keys))
            is_cut = is_cut or len(keys) + len(fresh) > MAX_NODES
            fresh = fresh[: MAX_NODES - len(keys)]
            keys += fresh
            edges |= {(one, other) for one, other in found if one in keys and other in keys}
            frontier = fresh
            if not frontier:
                break
        else:
            is_cut = True
    rows = Job.objects.filter(pk__in=keys).select_related("record").order_by("name", "pk")
    of_record = [f"record__{name}" for name in ("last_status", "last_success", "last_error")]
    nodes = [_node(one, one.pk == job.pk, now) for one in rows.only("name", "paused_at", *of_record)]
    return Family(graph(nodes, edges), len(nodes), is_cut)


def _step(keys: list[int], *, upwards: bool) -> list[_Edge]:
    """The pairs (parent, child) of which one is among `keys`: as the child when one looks upwards."""
    through = Job.parents.through.objects
    looked_up = through.filter(from_job_id__in=keys) if upwards else through.filter(to_job_id__in=keys)
    return list(looked_up.order_by("pk").values_list("to_job_id", "from_job_id")[: MAX_NODES * 4])


def _node(job: Job, is_centre: bool, now: datetime) -> Node:
    record = job.record
    at = {"COMPLETED": record.last_success, "FAILED": record.last_error}.get(record.last_status)
    state = "paused" if job.paused_at else record.last_status.lower() or "never ran"
    address = reverse("admin:jobs_job_change", args=[job.pk])
    return Node(job.pk, job.name, state, relative(at, now) if at else "", address, is_centre)
