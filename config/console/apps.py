from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ConsoleConfig(AppConfig):
    """Our layer: static files, template tags, saved views."""

    default = True
    name = "config.console"
    label = "console"
    default_auto_field = "django.db.models.BigAutoField"


class HouseAdminConfig(admin.AdminConfig):
    """Django's admin with our site as its own; takes its place in INSTALLED_APPS."""

    default = False
    default_site = "config.console.site.ConsoleSite"
