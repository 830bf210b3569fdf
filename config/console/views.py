"""Saving and removing views. What is somebody's own everybody may save, a reader too; what is for all, an editor."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404

from config.console.models import SavedView

MOST = 50
"""Views of one user, and of all together, for one list."""
_LONGEST_NAME, _LONGEST_PATH, _LONGEST_QUERY = 60, 200, 1000


def of(request: HttpRequest) -> QuerySet[SavedView]:
    """Those of the list in view: everybody's and the user's own."""
    return SavedView.objects.filter(Q(user=None) | Q(user=request.user.pk), path=request.path)[: 2 * MOST]


def may_share(request: HttpRequest) -> bool:
    return request.user.has_perm("jobs.change_job")


def save(request: HttpRequest) -> HttpResponse:
    """Keep the address in the field `next` under the field `name`; one of that name is replaced."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    address = urlsplit(request.POST.get("next", ""))
    name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:_LONGEST_NAME]
    is_ours = not address.scheme and not address.netloc and address.path.startswith("/admin/")
    if not is_ours or len(address.path) > _LONGEST_PATH or len(address.query) > _LONGEST_QUERY:
        raise Http404
    is_for_all = request.POST.get("for_all") == "on"
    if is_for_all and not may_share(request):
        raise PermissionDenied
    there = HttpResponseRedirect(f"{address.path}?{address.query}" if address.query else address.path)
    owner = Q(user=None) if is_for_all else Q(user=request.user.pk)
    mine = SavedView.objects.filter(owner, path=address.path)
    if not name:
        messages.error(request, "A saved view needs a name.")
    elif mine.exclude(name=name).count() >= MOST:
        messages.error(request, f"There are {MOST} saved views of this list: remove one first.")
    else:
        kept = {"query": address.query, "created_by": request.user.get_username()}
        if not mine.filter(name=name).update(**kept):
            user = None if is_for_all else request.user.pk
            SavedView.objects.create(user_id=user, path=address.path, name=name, **kept)
        messages.success(request, f"Saved as “{name}”.")
    return there


def delete(request: HttpRequest, key: int) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    view = get_object_or_404(SavedView.objects.filter(Q(user=None) | Q(user=request.user.pk)), pk=key)
    if view.user_id is None and not may_share(request):
        raise PermissionDenied
    view.delete()
    messages.success(request, f"“{view.name}” was removed.")
    return HttpResponseRedirect(view.path)
