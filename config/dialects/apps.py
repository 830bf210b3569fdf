from django.apps import AppConfig


class DialectsConfig(AppConfig):
    name = "config.dialects"
    label = "dialects"
    verbose_name = "Foreign doors"
