"""The engine: how a due job becomes a finished execution.

    schedule due --fire----.
    API, admin, shell --submit--> QUEUED (PENDING, BLOCKED until it may run) --hint--> a worker's free slot
    parent done, retry ----'         |
                                     | claim    QUEUED -> RUNNING, with a worker and a lease; limits hold here
                                     v
                                   perform      an executor in processes of its own; output streams to the database
                                     |
                                     | finish   RUNNING -> COMPLETED | FAILED | CANCELED, with counters, the next
                                     v          try and the dependants, in one transaction
                                   final

    fire.py         due jobs become executions, once per instant        submit.py    all that people and doors ask for
    claim.py        what may this worker run now                        run.py       one execution from claim to outcome
    finish.py       outcomes become facts                               cancel.py    not started, or stopped
    dependants.py   children wait for their parents                     sweep.py     what crashes swallowed
    lease.py        a worker's grip on what it runs                     worker.py    the threads of a worker process
    hints.py        "there may be work"                                 why.py       why is it not running

Guarantees. An execution is one try and only moves forward; another try is another row. Each change of state is one
conditional update, so of all that race for it one wins and the others are told. A result is recorded once; the work
itself may happen twice, when a worker falls silent and is given up. The database holds the truth: losing, repeating or
reordering hints changes nothing but latency.
"""
