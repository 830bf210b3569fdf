from django.apps import AppConfig


class UpConfig(AppConfig):
    name = "config.up"
    label = "up"
