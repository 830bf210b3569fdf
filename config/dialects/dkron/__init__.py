"""Dkron's API, at /v1/, and its web UI, at /ui/.

    urls -> views --body.read()------> what a client sent, as Dkron reads it --> changes --> jobs.services, engine
                  <-job.Shown--------- a job in Dkron's words <------- Job
                  <-executions.shown-- a try in Dkron's words <------- Execution

Pure: `schedules` (Dkron's grammar and ours), `executors` (its maps of texts and our configurations), `goes` (Go's
durations, booleans, sizes), `moments` (its timestamps and ids), `body` (what may be sent). `changes` stores jobs, for
the API, a restore and `manage.py import dkron`; `listing` chooses a page of them; `nodes` tells of servers and workers.

What a client sent is kept to the letter in ``Job.foreign["dkron"]``, secrets masked, and shown again as long as it
still says what the job does: an edit elsewhere takes its place.
"""
