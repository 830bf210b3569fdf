from importlib import import_module

from celery import current_app
from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ExecutionsConfig(AppConfig):
    name = "executions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Every process knows every Python task: the fork server calls them, and migrating publishes their job types.
        current_app.autodiscover_tasks(force=True)
        # These need the models of all apps, which are loaded by now.
        tasks = import_module("executions.tasks")
        post_migrate.connect(import_module("executions.system_types").publish, sender=self)
        post_migrate.connect(tasks.keep_house, sender=self)
        import_module("executions.notifications.hearing")
