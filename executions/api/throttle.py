"""Runs by hand have a limit per user and minute, so that a loop gone wild fills no queue."""

from __future__ import annotations

from datetime import timedelta

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from executions import clock
from executions.models import Execution
from executions.states import Trigger

WINDOW = timedelta(minutes=1)
BY_HAND = (Trigger.MANUAL, Trigger.RETRY, Trigger.BACKFILL)


class RunsByHand(BaseThrottle):
    """429 with Retry-After to a user who had `limit` runs made within a minute, whichever process answered."""

    limit = 600

    def allow_request(self, request: Request, view: APIView) -> bool:
        recent = Execution.objects.filter(created__gt=clock.now() - WINDOW, trigger__in=BY_HAND)
        mine = recent.filter(requested_by=request.user.get_username()).order_by()
        return mine[: self.limit].count() < self.limit

    def wait(self) -> float:
        return WINDOW.total_seconds()
