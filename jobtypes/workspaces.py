"""Making and changing workspaces."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from errors import audit
from errors.exceptions import Invalid, NotFound
from jobtypes.models import Workspace

MAX_NAME = 30
_MEMBERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "host": ("host_path", ()),
    "nfs": ("nfs_path", ()),
    "s3": ("bucket_name", ("host_path", "region_name")),
}
"""Of each type of broker: the member that it needs, and those that it may have."""
_ATTEMPTS = 5


def known() -> dict[str, bool]:
    """Every workspace's name, and whether it is active."""
    return dict(Workspace.objects.order_by().values_list("name", "is_active"))


def create(
    title: str, configuration: Mapping[str, Any], *, now: datetime, is_active: bool = True, **texts: str
) -> Workspace:
    """A new workspace, named after its title; `texts` are its description and base_url. Raises Invalid."""
    fields = {
        "title": title,
        "configuration": checked(configuration),
        "is_active": is_active,
        "deprecated": None if is_active else now,
        **texts,
    }
    for name in _names(title):
        try:
            with transaction.atomic():
                made = Workspace.objects.create(name=name, **fields)
                audit.record(made, "create", after=_facts(made))
                return made
        except IntegrityError:  # the name is taken
            continue
    raise Invalid.field("title", "no name could be made of it that is free")


@transaction.atomic
def change(key: int, changes: Mapping[str, Any], *, now: datetime) -> Workspace:
    """Give the workspace with that id other values; its name stays. Raises NotFound and Invalid."""
    workspace = Workspace.objects.select_for_update().filter(pk=key).first()
    if workspace is None:
        raise NotFound("Not found.")
    if "configuration" in changes:
        changes = {**changes, "configuration": checked(changes["configuration"])}
    if changes.get("is_active", workspace.is_active) != workspace.is_active:
        workspace.deprecated = None if changes["is_active"] else now
    before = _facts(workspace)
    for name, value in changes.items():
        setattr(workspace, name, value)
    workspace.save()
    audit.changed(workspace, "update", before, _facts(workspace))
    return workspace


def _facts(workspace: Workspace) -> dict[str, Any]:
    return audit.fields(workspace, ("title", "description", "base_url", "configuration", "is_active"))


def checked(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A workspace's configuration as it is stored. Raises Invalid."""
    if unknown := sorted(set(configuration) - {"version", "broker"}):
        raise Invalid.field("configuration", f"{unknown[0][:40]}: is not known")
    if not isinstance(configuration.get("version", ""), str):
        raise Invalid.field("configuration", "version: must be a text")
    broker = configuration.get("broker")
    if not isinstance(broker, dict):
        raise Invalid.field("configuration", "broker: is required, and is an object")
    kind = broker.get("type")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise Invalid.field("configuration", f"broker.type: must be one of {', '.join(_MEMBERS)}")
    needed, further = _MEMBERS[kind]
    for name, value in broker.items():
        if name not in ("type", needed, *further):
            raise Invalid.field("configuration", f"broker.{name[:40]}: is not known for the type {kind}")
        if not isinstance(value, str) or len(value) > 500:
            raise Invalid.field("configuration", f"broker.{name}: must be a text of at most 500 characters")
    if not broker.get(needed):
        raise Invalid.field("configuration", f"broker.{needed}: is required for the type {kind}")
    if kind == "host" and not broker["host_path"].startswith("/"):
        raise Invalid.field("configuration", "broker.host_path: must be an absolute path")
    return {"broker": dict(broker)}


def _names(title: str) -> list[str]:
    """The title as a name, and some with a suffix, for when that is taken or says nothing."""
    plain = slugify(title).replace("_", "-")[:MAX_NAME].strip("-")
    suffixes = [secrets.token_hex(3) for _ in range(_ATTEMPTS)]
    suffixed = [f"{plain[: MAX_NAME - 7] or 'workspace'}-{suffix}" for suffix in suffixes]
    return [plain, *suffixed] if plain else suffixed
