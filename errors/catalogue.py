"""The built-in errors, as data: Scale's table (reference section 13.4) and ours, made by a migration."""

from __future__ import annotations

from typing import NamedTuple

SYSTEM, ALGORITHM, DATA = "SYSTEM", "ALGORITHM", "DATA"


class Builtin(NamedTuple):
    name: str
    title: str
    category: str
    should_be_retried: bool
    description: str


BUILTIN = [
    Builtin("unknown", "Unknown", SYSTEM, True, "The cause of the failure could not be found."),
    Builtin("database", "Database", SYSTEM, True, "The database reported an error."),
    Builtin("database-operation", "Database Operation", SYSTEM, True, "A connection limit, a deadlock or the like."),
    Builtin("filesystem-io", "Filesystem I/O", SYSTEM, True, "Reading or writing a file failed."),
    Builtin("task-launch", "Task Launch", SYSTEM, True, "The task could not be started."),
    Builtin("docker-task-launch", "Docker Launch", SYSTEM, True, "The container could not be started."),
    Builtin("docker-terminated", "Docker Terminated", SYSTEM, True, "The container ended unexpectedly."),
    Builtin("node-lost", "Node Lost", SYSTEM, True, "The machine went away or was taken out of service."),
    Builtin("resource-starvation", "Resource Starvation", SYSTEM, True, "A step waited too long for resources."),
    Builtin("launch-timeout", "Launch Timeout", SYSTEM, True, "The task did not start soon enough."),
    Builtin("pull-timeout", "Pull-task Timeout", SYSTEM, True, "Fetching the image took too long."),
    Builtin("pre-timeout", "Pre-task Timeout", SYSTEM, True, "Fetching the input took too long."),
    Builtin("post-timeout", "Post-task Timeout", SYSTEM, True, "Storing the output took too long."),
    Builtin("system-timeout", "Timeout", SYSTEM, True, "A system job ran past its time limit."),
    Builtin("timeout", "Timeout", ALGORITHM, False, "The job ran past its time limit."),
    Builtin("pull", "Docker Pull Failed", SYSTEM, True, "The image is not available."),
    Builtin(
        "algorithm-unknown",
        "Algorithm Failure",
        ALGORITHM,
        False,
        "The job failed with an exit code or exception that nobody named.",
    ),
    Builtin(
        "invalid-results-manifest",
        "Invalid Results Manifest",
        ALGORITHM,
        False,
        "The description of the outputs could not be read.",
    ),
    Builtin("missing-required-output", "Missing Required Output", ALGORITHM, False, "A required output is absent."),
    Builtin(
        "unexpected-multiple-outputs",
        "Unexpected Multiple Outputs",
        ALGORITHM,
        False,
        "Several files were found for a single output.",
    ),
    Builtin("missing-setting", "Missing Setting", SYSTEM, False, "A required setting has no value."),
    Builtin("missing-mount", "Missing Mount", SYSTEM, False, "A mount is not configured."),
    Builtin("scheduler-lost", "Scheduler Restarted", SYSTEM, True, "A restart of the scheduler ended the run."),
    Builtin("deleted-file", "Deleted File", SYSTEM, False, "An input file was deleted."),
    Builtin("missing-file", "Missing File", SYSTEM, False, "An input file is not where it should be."),
    Builtin("ingest-timeout", "Ingest Timeout", SYSTEM, True, "An ingest ran too long."),
    Builtin("test", "Test Error", SYSTEM, False, "For diagnostics."),
    Builtin(
        "worker-lost",
        "Worker Lost",
        SYSTEM,
        True,
        "The worker's lease on the run ran out: it died, hung or was cut off.",
    ),
    Builtin("poison", "Poison", SYSTEM, False, "Three workers in a row were lost to this run."),
    Builtin(
        "out-of-memory", "Out Of Memory", ALGORITHM, False, "The job was killed because it passed its memory limit."
    ),
    Builtin("invalid-input", "Invalid Input", DATA, False, "The input does not fit the interface of the job type."),
]
