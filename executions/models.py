"""Execution: one try of one run of a job; beside it, in tables of their own, its result, its output, the workers."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from errors.models import Error
from executions.querysets import ExecutionQuerySet, OutputQuerySet, WorkerQuerySet
from executions.states import FINAL, LIVE, Door, Reason, Status, Trigger
from jobs.models import Job, Payload
from jobtypes.models import JobType, JobTypeRevision

HEARTBEAT = timedelta(seconds=5)
"""How often a worker renews its leases and says that it is there."""
LEASE = timedelta(seconds=30)
"""How long an execution stays a worker's without a renewal."""


class Worker(models.Model):
    """A worker process, under an identity that is new at every start."""

    name = models.CharField(max_length=200, unique=True)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    tags = models.JSONField(default=dict)
    slots = models.PositiveIntegerField(default=16)
    resources = models.JSONField(default=dict, help_text="What it has: cpus, mem and disk in MiB, named custom ones.")
    engine = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="The container engine it has; empty: none."
    )
    images = models.JSONField(
        null=True, blank=True, help_text="Of active job types by their images: whether its engine has it."
    )
    programs = models.JSONField(
        null=True, blank=True, help_text="The Seed types that it runs as local processes, by their names."
    )
    version = models.CharField(max_length=50, blank=True, default="")
    started = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now, help_text="When it last renewed its leases.")
    last_looked = models.DateTimeField(null=True, blank=True, help_text="When it last looked for work.")
    is_stopping = models.BooleanField(default=False)
    stopped = models.DateTimeField(null=True, blank=True)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ("-started", "-id")
        indexes = (models.Index(fields=["stopped", "last_seen"], name="worker_by_life"),)

    def __str__(self) -> str:
        return self.name

    def status(self, now: datetime) -> str:
        """`alive`, `stopping`, `stopped`, or `lost` when it has not been seen for a lease's time."""
        if self.stopped:
            return "stopped"
        if self.last_seen < now - LEASE:
            return "lost"
        return "stopping" if self.is_stopping else "alive"


class Execution(models.Model):
    """One try of one run of a job; it only moves forward, and another try is another row.

    `group` is the run: the id of its first execution. `slot` tells the parallel executions of a run apart, `attempt`
    numbers the tries of a slot from 1. `origin` is the group of the run that set everything off.
    """

    id = models.BigAutoField(primary_key=True)
    group = models.BigIntegerField()
    slot = models.PositiveSmallIntegerField(default=0, db_default=0)
    attempt = models.PositiveIntegerField(default=1, db_default=1)
    origin = models.BigIntegerField()
    is_last_try = models.BooleanField(default=True, db_default=True)

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="executions", db_index=False)
    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT, related_name="executions", db_index=False)
    revision = models.ForeignKey(JobTypeRevision, on_delete=models.PROTECT, related_name="+", db_index=False)
    payload = models.ForeignKey(Payload, on_delete=models.PROTECT, related_name="executions", db_index=False)

    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    reason = models.CharField(max_length=12, choices=Reason, null=True, blank=True)  # noqa: DJ001 -- null: the state says it all
    trigger = models.CharField(max_length=8, choices=Trigger)
    door = models.CharField(max_length=9, choices=Door)
    requested_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    priority = models.PositiveIntegerField(default=100, db_default=100)

    scheduled_for = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    ready_at = models.DateTimeField(null=True, blank=True, help_text="PENDING until then.")
    start_by = models.DateTimeField(null=True, blank=True, help_text="CANCELED, expired, when not started by then.")
    queued = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)

    needs_worker = models.BooleanField(default=False, db_default=False, help_text="Only its chosen worker may take it.")
    chosen_worker = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="chosen_for", db_index=False
    )
    worker = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="executions", db_index=False
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    resources = models.JSONField(null=True, blank=True, help_text="What it was allocated while it ran.")
    stop_requested = models.DateTimeField(null=True, blank=True)
    stop_reason = models.CharField(max_length=12, choices=Reason, null=True, blank=True)  # noqa: DJ001 -- as reason
    stop_by = models.CharField(max_length=150, blank=True, default="", db_default="")

    exit_code = models.IntegerField(null=True, blank=True)
    signal = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.ForeignKey(
        Error, null=True, blank=True, on_delete=models.PROTECT, related_name="executions", db_index=False
    )
    message = models.CharField(max_length=500, blank=True, default="", db_default="")
    output_bytes = models.BigIntegerField(default=0, db_default=0)
    output_lost_bytes = models.BigIntegerField(default=0, db_default=0)
    max_rss_bytes = models.BigIntegerField(null=True, blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-id")
        constraints = (
            models.UniqueConstraint(fields=["group", "slot", "attempt"], name="execution_try_once"),
            models.UniqueConstraint(
                fields=["job", "scheduled_for", "slot"],
                condition=Q(attempt=1, trigger="schedule"),
                name="execution_fire_once",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="execution_status_is_known"),
            models.CheckConstraint(
                condition=Q(reason=None) | Q(reason__in=Reason.values), name="execution_reason_is_known"
            ),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="execution_attempt_from_one"),
            models.CheckConstraint(
                condition=~Q(status="RUNNING") | Q(lease_until__isnull=False), name="execution_running_has_a_lease"
            ),
            models.CheckConstraint(
                condition=Q(status__in=FINAL, ended__isnull=False) | Q(status__in=LIVE, ended=None),
                name="execution_ended_when_final",
            ),
        )
        indexes = (
            # Live states are few among millions: these stay small whatever the history holds.
            models.Index(fields=["priority", "id"], condition=Q(status="QUEUED"), name="execution_queue"),
            models.Index(fields=["worker", "lease_until"], condition=Q(status="RUNNING"), name="execution_running"),
            models.Index(fields=["ready_at"], condition=Q(status="PENDING"), name="execution_pending"),
            models.Index(fields=["job", "status", "id"], condition=Q(status__in=LIVE), name="execution_live_of_job"),
            models.Index(
                fields=["job_type", "status", "id"], condition=Q(status__in=LIVE), name="execution_live_of_type"
            ),
            models.Index(
                fields=["start_by"], condition=Q(status__in=["PENDING", "BLOCKED", "QUEUED"]), name="execution_start_by"
            ),
            models.Index(
                fields=["chosen_worker"], condition=Q(needs_worker=True, status="QUEUED"), name="execution_chosen"
            ),
            # Dependants of a run are looked up by what set them off.
            models.Index(fields=["origin"], condition=~Q(origin=F("group")), name="execution_by_origin"),
            # What a door that knows only runs lists by default: those that have not ended, newest first.
            models.Index(fields=["-group"], condition=Q(ended=None), name="execution_live_by_group"),
            # Its lists by time ask of what never started when it was due.
            models.Index(Coalesce("scheduled_for", "created"), condition=Q(started=None), name="execution_by_due"),
            # Lists: every offered order with its tie-breaker.
            models.Index(fields=["-created", "-id"], name="execution_by_created"),
            models.Index(fields=["status", "-created", "-id"], name="execution_by_status"),
            models.Index(fields=["job", "-created", "-id"], name="execution_by_job"),
            models.Index(fields=["job_type", "status", "-created", "-id"], name="execution_by_type"),
            models.Index(
                fields=["error", "-created", "-id"], condition=Q(error__isnull=False), name="execution_by_error"
            ),
            models.Index(
                fields=["job_type", "error", "ended"],
                condition=Q(status="FAILED", is_last_try=True),
                name="execution_failure",
            ),
            models.Index(fields=["-started", "-id"], name="execution_by_started"),
            models.Index(fields=["-ended", "-id"], name="execution_by_ended"),
        )

    def __str__(self) -> str:
        return f"execution {self.pk} of {self.job_id}"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def duration(self) -> timedelta | None:
        """How long it ran; None until it has started and ended."""
        return self.ended - self.started if self.started and self.ended else None


class ExecutionResult(models.Model):
    """What a try left behind besides its output: values it returned, or what its own code raised."""

    execution = models.OneToOneField(Execution, primary_key=True, on_delete=models.CASCADE, related_name="result")
    outputs = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    exception = models.CharField(max_length=250, blank=True, default="")
    traceback = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"result of {self.execution_id}"


class ExecutionFile(models.Model):
    """An output file of a try, kept in a workspace under a name of ours. What the run called it is data."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=250, help_text="The output of the manifest that it belongs to.")
    path = models.CharField(max_length=1024, help_text="Where the run put it, relative to its OUTPUT_DIR.")
    workspace = models.CharField(max_length=50)
    key = models.CharField(max_length=250, help_text="Its name in the workspace's storage.")
    bytes = models.BigIntegerField()
    media_type = models.CharField(max_length=250)
    metadata = models.JSONField(null=True, blank=True, help_text="GeoJSON that the run put beside it.")

    class Meta:
        ordering = ("execution", "id")

    def __str__(self) -> str:
        return f"file {self.pk} of {self.execution_id}"


class OutputChunk(models.Model):
    """A piece of a try's output as it came: whole lines of one stream, as a rule.

    `seq` is the number of the chunk's last line and `lines` how many it holds, so that a reader who has seen line n
    asks for the chunks with a `seq` above n.
    """

    class Stream(models.TextChoices):
        STDOUT = "stdout"
        STDERR = "stderr"

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="output", db_index=False)
    seq = models.BigIntegerField()
    lines = models.PositiveIntegerField()
    time = models.DateTimeField()
    stream = models.CharField(max_length=6, choices=Stream)
    text = models.TextField()

    objects = OutputQuerySet.as_manager()

    class Meta:
        ordering = ("execution", "seq")
        constraints = (models.UniqueConstraint(fields=["execution", "seq"], name="output_seq_once"),)

    def __str__(self) -> str:
        return f"output of {self.execution_id} to line {self.seq}"


class Tally(models.Model):
    """How many runs of a job type ended in one state with one error within a minute, an hour or a day.

    Triggers in the database append a row for whatever changes the number (so it may be negative), whoever changed it;
    `executions.tally` merges those rows into the sums and adds them up. `error` is an error's id, 0 for none.
    """

    class Grain(models.IntegerChoices):
        APPENDED = 0
        """Within a minute, not merged yet; there may be several rows of a minute."""
        MINUTE = 1
        HOUR = 2
        DAY = 3

    id = models.BigAutoField(primary_key=True)
    grain = models.PositiveSmallIntegerField(choices=Grain, default=Grain.APPENDED, db_default=Grain.APPENDED)
    since = models.DateTimeField(help_text="The begin of its minute, hour or day.")
    job_type = models.BigIntegerField()
    status = models.CharField(max_length=9)
    error = models.BigIntegerField(default=0, db_default=0)
    count = models.BigIntegerField()
    oldest = models.DateTimeField()
    newest = models.DateTimeField()

    class Meta:
        verbose_name_plural = "tallies"
        constraints = (
            models.UniqueConstraint(
                fields=["grain", "since", "job_type", "status", "error"],
                condition=Q(grain__gt=0),
                name="tally_sum_once",
            ),
        )
        indexes = (models.Index(fields=["id"], condition=Q(grain=0), name="tally_appended"),)

    def __str__(self) -> str:
        return f"{self.count} {self.status} since {self.since}"


class House(models.Model):
    """The house's own state: one row. Whether it is paused, and who leads its schedulers."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True, default="")
    pause_note = models.CharField(max_length=250, blank=True, default="")
    leader = models.CharField(
        max_length=200, blank=True, default="", help_text="The scheduler that fires the periodic tasks."
    )
    leader_until = models.DateTimeField(null=True, blank=True)
    last_tick = models.DateTimeField(null=True, blank=True, help_text="When any scheduler last looked for due jobs.")
    last_sweep = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "house"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="house_is_one"),)

    def __str__(self) -> str:
        return "the house"

    @classmethod
    def row(cls) -> House:
        return cls.objects.get_or_create(id=1)[0]


from executions.notifications import models as _notifications  # noqa: E402, F401 - tables of this app, in modules of their own
from executions.receipts import BulkAction, BulkItem  # noqa: E402, F401 - models of this app, in a module of their own
from executions.removals import Removal  # noqa: E402, F401 - a model of this app, in a module of its own
