"""Jobhouse, wired together.

    errors       why a run failed: named causes, and whether another try can help
    jobtypes     what can run: versioned job types, their manifests and revisions
    jobs         what should run: standing orders with a schedule, pure schedule arithmetic
    executions   what did run: the engine, its executors, the scheduler, the workers' Celery tasks
    config       settings, URLs, the Celery app, access (tokens, roles), the foreign doors

Imports point upward only: errors <- jobtypes <- jobs <- executions <- config.
"""

from config.celery import app as celery_app

__all__ = ["celery_app"]
