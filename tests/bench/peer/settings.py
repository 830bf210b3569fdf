"""Django for the peers: the same servers as the house's, and nothing besides what they need."""

import os

import dj_database_url

SECRET_KEY = "a peer of the benchmarks"
INSTALLED_APPS = ["django.contrib.contenttypes", "django_celery_beat", "django_celery_results"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=60)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DJANGO_CELERY_BEAT_TZ_AWARE = True
CELERY = {
    "broker_url": os.environ["BROKER_URL"],
    "result_backend": "django-db",
    "task_default_queue": "peer",
    "broker_connection_retry_on_startup": True,
    "worker_send_task_events": False,
}
