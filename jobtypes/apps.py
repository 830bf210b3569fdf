from django.apps import AppConfig


class JobTypesConfig(AppConfig):
    name = "jobtypes"
    verbose_name = "Job types"
    default_auto_field = "django.db.models.BigAutoField"
