from django.apps import AppConfig
from django.db.models.signals import pre_delete


class ErrorsConfig(AppConfig):
    name = "errors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.models import User

        from errors import audit

        pre_delete.connect(audit.keep_entries, sender=User, dispatch_uid="errors.audit.keep_entries")
