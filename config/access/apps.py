from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccessConfig(AppConfig):
    name = "config.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from config.access import schema  # noqa: F401 -- registers how OpenAPI describes tokens
        from config.access.roles import make_roles

        post_migrate.connect(make_roles, sender=self, dispatch_uid="config.access.make_roles")
