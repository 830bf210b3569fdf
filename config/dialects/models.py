"""DoorState: what a foreign door must remember about itself."""

from __future__ import annotations

from typing import Any

from django.db import models


class DoorState(models.Model):
    """What one door keeps of its own that belongs to no job, such as Dkron's pause of submissions. No secrets."""

    door = models.CharField(max_length=9, primary_key=True, help_text="A word of executions.states.Door.")
    kept = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"state of {self.door}"


def kept_by(door: str) -> dict[str, Any]:
    """What `door` keeps; empty where it has kept nothing yet."""
    return DoorState.objects.filter(door=door).values_list("kept", flat=True).first() or {}


def keep(door: str, **values: Any) -> None:
    """Let `door` keep these values beside what it keeps already."""
    DoorState.objects.update_or_create(door=door, defaults={"kept": {**kept_by(door), **values}})
