"""Adverity's Management API, at /api/jobs/, /api/datastreams/ and /api/errors/.

    urls -> views --ask---> what a client asked for, read ---------> dialects.runs, executions.engine
                  <-words-- jobs, datastreams, errors, as JSON <---- Run, Job, Execution

A *datastream* is a job of ours, a *job* is one run of it: a group, shown under its first id with the state of its
latest try. `imported` is what a run has left behind so far; `serializers` describe the answers for OpenAPI.
"""
