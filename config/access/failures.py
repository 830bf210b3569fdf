"""Failed attempts to show a token, by address: too many in a minute, and further failures are told to wait.

Kept in the table of failures that sign-in protection has anyway, so that all processes of a house count together and an
operator sees them in one place. A good token never comes here.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address, ip_network

from axes.models import AccessFailureLog
from django.utils import timezone
from rest_framework.request import Request

LIMIT = 20
WINDOW = timedelta(minutes=1)
KEPT = timedelta(days=1)
WHO = "(token)"
"""Stands where a failed sign-in has the user's name."""


def too_many(request: Request) -> bool:
    """Whether the caller's address failed LIMIT times within WINDOW."""
    since = timezone.now() - WINDOW
    recent = AccessFailureLog.objects.filter(ip_address=address(request), username=WHO, attempt_time__gt=since)
    count: int = recent.count()
    return count >= LIMIT


def record(request: Request) -> None:
    """Count one failure, and forget those of the day before."""
    AccessFailureLog.objects.filter(username=WHO, attempt_time__lt=timezone.now() - KEPT).delete()
    AccessFailureLog.objects.create(
        ip_address=address(request),
        username=WHO,
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:255],
        http_accept=request.META.get("HTTP_ACCEPT", "")[:1025],
        path_info=request.path[:255],
    )


def address(request: Request) -> str | None:
    """Who is counted: the address of the connection; of IPv6 the network of 64 bits, since one caller has all of it."""
    try:
        found = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ip_network((int(found), 64), strict=False).network_address)
