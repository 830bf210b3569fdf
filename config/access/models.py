"""Token: a key with which a program acts as a user, in one role at most."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Token(models.Model):
    """One key of a user. Only its SHA-256 digest is kept; the key itself is shown once, when it is made."""

    class Role(models.TextChoices):
        READER = "reader"
        EXECUTOR = "executor"
        EDITOR = "editor"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100, blank=True, default="")
    role = models.CharField(
        max_length=8, choices=Role, blank=True, default="", help_text="Empty: all that its user may."
    )
    prefix = models.CharField(
        max_length=12, editable=False, help_text="The first characters of the key, to recognise it by."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created", "-id")

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user}"
