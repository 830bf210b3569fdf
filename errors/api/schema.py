"""The API as OpenAPI: every operation's refusals declared once, grouped by what its path is about."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework.permissions import AllowAny

from errors.api.exceptions import RETRY_AFTER_SECONDS
from errors.api.serializers import ProblemSerializer

REFUSALS = {
    "400": ("BadRequest", "A parameter or the body is not valid; `detail` says which."),
    "401": ("Unauthenticated", "No token, or one that is unknown or has expired."),
    "403": ("Forbidden", "The caller's role does not reach so far."),
    "404": ("NotFound", "There is no such thing, or no such page."),
    "405": ("NotAllowed", "A word of the API's own stands where a name would, and does not take this method."),
    "409": ("Conflict", "The state it is in does not allow that."),
    "413": ("TooLarge", "The body is larger than the limit."),
    "415": ("NotJSON", "The body is not `application/json`."),
    "429": ("TooMany", "Too many failures, or too many runs in a minute; `Retry-After` says when to come back."),
    "503": ("Busy", f"The database is busy or away; come back after {RETRY_AFTER_SECONDS} seconds."),
}
WITH_A_BODY = frozenset({"409", "413", "415"})
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
WITH_A_CALLER = frozenset({"401", "403"})


class HouseSchema(AutoSchema):
    """DRF-spectacular's schema, with the refusals that the shared handler may answer to any operation."""

    def get_tags(self) -> list[str]:
        """The first word of the path after the version: /v6/jobs/{name}/run/ is about jobs."""
        words = [word for word in self.path.split("/") if word and not word.startswith("{")]
        return words[1:2] if words[:1] == ["v6"] else words[:1]

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            for code in self._refusals():
                operation["responses"].setdefault(code, self._refusal(code).ref)
        return operation

    def _refusals(self) -> list[str]:
        without: set[str] = set()
        if self.method in BODILESS:
            without |= WITH_A_BODY
        if "{" not in self.path:
            without.add("405")
        if any(isinstance(permission, AllowAny) for permission in self.view.get_permissions()):
            without |= WITH_A_CALLER
        return [code for code in REFUSALS if code not in without]

    def _refusal(self, code: str) -> ResolvedComponent:
        name, description = REFUSALS[code]
        # A door that refuses as its original does, in text or without a body, says so with this attribute.
        is_worded = getattr(self.view, "refuses_in_json", True)
        name = name if is_worded else f"{name}Otherwise"
        component = ResolvedComponent(name=name, type=ResolvedComponent.RESPONSE, object=name)
        if component in self.registry:
            return self.registry[component]
        component.schema = {"description": description}
        if is_worded:
            problem = self.resolve_serializer(ProblemSerializer, "response")
            component.schema["content"] = {"application/json": {"schema": problem.ref}}
        self.registry.register_on_missing(component)
        return component
