"""The benchmarks: Jobhouse beside its peers, each figure a ratio measured in one run on one machine.

    python -m tests.bench                  all of them, about twenty minutes (`make bench`)
    python -m tests.bench fire tick        some
    python -m tests.bench --quick          all, smaller and shorter: a look, not a figure
    python -m tests.bench --write          and put the tables into docs/benchmarks.md

    fire, tick, throughput, latency, shell, steady, memory, idle    one module each: what is measured, and the goal
    dkron         in smoke.py: what Dkron's users report as too much for it
    lists, statistics    in lists.py: pages and statistics at 100,000 and 1,000,000 executions; history.py makes those
    stage.py      a database, a broker's virtual host, a data folder and processes, all of which go again
    inside.py     runs a function in a stage: a process of its own, with that stage's settings
    house.py      what is done inside a house's stage; peer/ what is done inside the peers'
    executor.py   an executor that only returns, found by the worker as any installed executor is

Workers, schedulers and web servers are real processes, started as docs/deploy.md says. PostgreSQL, and RabbitMQ, must
answer (tests/services.py says where); for the peers `pip install .[bench]`.
"""
