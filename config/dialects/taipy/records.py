"""The runs that Taipy's door shows: all but those whose record was deleted through it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, QuerySet

from config.dialects import runs
from config.dialects.runs import Run
from config.dialects.taipy import names
from executions.models import Execution, ExecutionResult
from executions.removals import Removal
from executions.states import Door, Status

MOST = 2_000
"""So many runs are listed, the newest."""
_TRACEBACKS = 4 * 1024 * 1024
"""Characters of tracebacks in one list; failures beyond are told in one line."""
_AT_ONCE = 100


def newest() -> list[Run]:
    """The newest runs, up to MOST of them, newest first."""
    return runs.load(_shown().order_by("-pk").values_list("pk", flat=True)[:MOST], narrow())


def narrow() -> QuerySet[Execution]:
    """Executions with what this door shows of them, and nothing else: its lists are long."""
    return Execution.objects.select_related("job_type", "error").only(
        *("group", "slot", "is_last_try", "job_id", "status", "reason", "created", "message"),
        *("job_type__name", "error__name", "error__title"),
    )


def find(text: str) -> Run | None:
    """The run that an id of ours names."""
    name = names.read(text)
    if name is None or name.key is None or name.kind != names.JOB:
        return None
    if not _shown().filter(pk=name.key).exists():
        return None
    run = runs.one(name.key, narrow())
    return run if run and run.first.job_type.name == name.config else None


def _shown() -> QuerySet[Execution]:
    removed = Removal.objects.filter(run=OuterRef("pk"), door=Door.TAIPY)
    return Execution.objects.filter(~Exists(removed), pk=F("group"))


def tracebacks(found: Iterable[Run]) -> dict[int, str]:
    """What the code of the failed ones of these runs raised, by the run: of the first of them, so far as it fits."""
    failed = {run.latest.pk: run.id for run in found if run.latest.status == Status.FAILED}
    keys, told, size = list(failed), {}, 0
    for start in range(0, len(keys), _AT_ONCE):
        rows = ExecutionResult.objects.filter(pk__in=keys[start : start + _AT_ONCE]).exclude(traceback="")
        for key, traceback in rows.values_list("pk", "traceback"):
            told[failed[key]] = traceback
            size += len(traceback)
        if size > _TRACEBACKS:
            break
    return told
