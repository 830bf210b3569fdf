"""The job part of Taipy's REST API, at /api/v1/jobs/.

    urls -> views --names---> ids of theirs become ours, and back ----> dialects.runs, executions.engine
                  <-words---- jobs, as JSON <-------------------------- Run

A *task config* is a job type, by its name; a *task* is a job of ours; a *job* is one run: a group, shown with the state
of its latest try. `records` finds the runs that this door shows: all but those whose record was deleted through it.
"""
