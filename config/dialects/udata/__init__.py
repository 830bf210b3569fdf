"""udata's workers API (the portal behind data.gouv.fr), at /api/1/workers/.

    urls -> views --body.read()---> what a client sent, checked -----> jobs.services, executions.engine
                  <-job.view()----- a job as udata shows it <--------- Job
                  <-task.status()-- a run as Celery words it <-------- Execution

Pure: `crontab` and `interval` (udata's two schedules and ours), `mask` (the X-Fields header), `body` (what may be
sent), `task` (Celery's words for how a run stands). `orders` keeps and finds jobs, for the API and `manage.py job`.
"""
