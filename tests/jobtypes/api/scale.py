"""A client of Scale's services: bodies as its manual prints them, and short ways to send them."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from tests.jobtypes.seed.manifests import a_manifest, sample, sample_configuration

DONE = {"is_valid": True, "errors": [], "warnings": []}
BASE = {
    "id", "name", "version", "title", "description", "is_active", "is_system", "is_paused", "is_published", "icon_code",
    "unmet_resources",
}  # fmt: skip
LISTED = BASE | {
    "max_scheduled", "max_tries", "revision_num", "docker_image", "created", "deprecated", "paused", "last_modified",
}  # fmt: skip


def seed_body(**fields: Any) -> dict[str, Any]:
    """The body of "Add Seed Image" in Scale's manual."""
    return {
        "icon_code": "f1c5",
        "max_scheduled": 1,
        "docker_image": "test-1.0.0-seed:1.0.0",
        "configuration": sample_configuration(),
        "manifest": sample(),
        "auto_update": True,
        **fields,
    }


def body(
    name: str = "count-words", version: str = "1.0.0", *, interface: Any = None, job: Any = None, **fields: Any
) -> Any:
    """The least that makes a job type."""
    manifest = a_manifest(interface, name=name, jobVersion=version, **(job or {}))
    return {"manifest": manifest, "docker_image": f"{name}-{version}-seed:1.0.0", **fields}


def post(client: APIClient, given: Any) -> Any:
    return client.post("/v6/job-types/", given, format="json")


def made(client: APIClient, *args: Any, **kwargs: Any) -> Any:
    """A job type that is made as `body` says; its details."""
    answer = post(client, body(*args, **kwargs))
    assert answer.status_code == 201, answer.json()
    return answer.json()


def details(client: APIClient, name: str = "count-words", version: str = "1.0.0") -> Any:
    answer = client.get(f"/v6/job-types/{name}/{version}/")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def patch(client: APIClient, given: Any, name: str = "count-words", version: str = "1.0.0") -> Any:
    return client.patch(f"/v6/job-types/{name}/{version}/", given, format="json")


def edited(client: APIClient, given: Any, name: str = "count-words", version: str = "1.0.0") -> Any:
    """The details of a job type after an edit, which is answered as Scale answers it."""
    answer = patch(client, given, name, version)
    assert (answer.status_code, answer.json()) == (200, DONE), answer.json()
    return details(client, name, version)


def results(client: APIClient, path: str) -> list[Any]:
    answer = client.get(f"/v6/{path}")
    assert answer.status_code == 200, answer.json()
    rows: list[Any] = answer.json()["results"]
    return rows


def refused(answer: Any, *words: str) -> bool:
    """Whether it is a 400 whose one text has these words."""
    text = answer.json()["detail"]
    assert isinstance(text, str)
    return answer.status_code == 400 and all(word in text for word in words)
