"""Running a Seed image: what a manifest and a configuration ask for becomes one run, and its files become outputs.

    slot's thread    container.py --plan.py--> plan --context.call--.
    slot's runner    perform.py <------------------------------------'
                        |  inputs.py    files from allowed folders, URLs, earlier runs -> the run's private folder
                        |  variables.py command.py mounts.py          what the container is told, and may see
                        |  engine.py pull.py following.py             pull, create, stream, stop, remove: the one
                        |               place that knows the Docker API
                        |    (local.py  the same command as a local process, where SEED_PROGRAMS says so)
                        '  outputs.py storage.py                      patterns and seed.outputs.json -> workspaces

Guarantees: a value is one word of the command line, whatever it holds, and a secret none; a container is never
privileged, shares no namespace of the host, sees no folder of the host but those that ALLOWED_MOUNTS lists, and never
the engine's socket; it is gone when its run is over, whoever of ours was killed: the run itself removes it, the runner
when the run was cut short (`perform.clean_up`), the worker's sweep when the runner was (executions.engine.containers).

Nothing here asks the database.
"""
