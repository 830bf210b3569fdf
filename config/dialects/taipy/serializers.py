"""Taipy's objects, as OpenAPI describes them. `words` makes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.dialects.taipy.words import STATUSES, enumerated


class TaipyJobSerializer(serializers.Serializer[Any]):
    """A job: one run."""

    id = serializers.CharField(help_text="`JOB_<task config>_<uuid>`")
    task_id = serializers.CharField(help_text="`TASK_<task config>_<uuid>`")
    status = serializers.CharField(help_text=", ".join(map(enumerated, STATUSES)))
    force = serializers.BooleanField()
    creation_date = serializers.CharField(help_text="UTC: `2026-11-21 23:23:04.638758`.")
    stacktrace = serializers.ListField(child=serializers.CharField(), help_text="Empty unless it failed.")


class TaipyJobShownSerializer(serializers.Serializer[Any]):
    job = TaipyJobSerializer()


class TaipyMessageSerializer(serializers.Serializer[Any]):
    """What came of a call, or why it was refused."""

    message = serializers.CharField()


class TaipyJobCreatedSerializer(TaipyMessageSerializer):
    job = TaipyJobSerializer()
