"""The foreign doors: HTTP APIs of other systems, at their own paths, so that their clients work unchanged.

    Dkron     /v1/…               config/dialects/dkron
    udata     /api/1/workers/…    config/dialects/udata
    Adverity  /api/jobs/…         config/dialects/adverity
    Taipy     /api/v1/jobs/…      config/dialects/taipy

A dialect is a dictionary: it translates a request into a call of the services that the native API calls, and their
answer into its system's words. It decides nothing, and knows no other dialect. What several need is in `common`.
"""
