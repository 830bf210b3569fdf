from django.apps import AppConfig


class UdataConfig(AppConfig):
    """An app for its command, `manage.py job`; it has no models."""

    name = "config.dialects.udata"
    label = "udata"
