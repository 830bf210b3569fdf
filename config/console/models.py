"""Saved views: a list with its filters, under a name, for whoever saved it or for everybody."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class SavedView(models.Model):
    """A link to a list with its filters. Without a user it is everybody's."""

    name = models.CharField(max_length=60)
    path = models.CharField(max_length=200, help_text="The list: a path of this console.")
    query = models.CharField(max_length=1000, blank=True, default="", help_text="Its filters, as in an address.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="saved_views"
    )
    created_by = models.CharField(max_length=150, blank=True, default="")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=["user", "path", "name"], name="saved_view_once_per_user"),
            models.UniqueConstraint(fields=["path", "name"], condition=Q(user=None), name="saved_view_once_for_all"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path
