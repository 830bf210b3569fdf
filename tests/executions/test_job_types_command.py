"""`manage.py job_types`."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from jobtypes.models import JobType
from tests.builders import a_client
from tests.jobtypes.seed.manifests import a_manifest, sample, sample_configuration

pytestmark = pytest.mark.django_db


def manage(*words: str) -> tuple[int, str]:
    """The exit code of the command and what it wrote."""
    out = StringIO()
    try:
        call_command("job_types", *words, stdout=out, no_color=True)
    except SystemExit as leave:
        return int(leave.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(value: object, name: str = "seed.manifest.json") -> str:
        path = Path(tmp_path) / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return str(path)

    return write


def test_it_lists_what_the_api_lists():
    _, said = manage("--json")

    assert json.loads(said) == a_client().get("/v6/job-types/").json()["results"]
    assert manage()[1].splitlines()[0].split() == ["NAME", "VERSION", "STATE", "REV", "RUNS", "AS", "TITLE"]
    assert manage("--search", "nothing like it") == (0, "No job types.\n")


def test_validate_tells_every_error_with_its_place(file):
    manifest = a_manifest({"settings": [{"name": "a b"}], "mounts": [{"name": "m", "path": "x"}]}, timeout="long")

    code, said = manage("validate", file(manifest))

    assert code == 1
    lines = said.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["error", "JSON_VALIDATION_ERROR"],
        ["error", "JSON_VALIDATION_ERROR"],
        ["error", "INVALID_MOUNT_PATH"],
    ]
    assert "job.timeout" in said
    assert "job.interface.settings[0].name" in said
    assert "job.interface.mounts[0].path" in said
    assert lines[-1] == "Not valid: 3 errors."


def test_validate_takes_a_configuration_and_gives_json(file):
    code, said = manage(
        "validate", file(sample()), "--configuration", file({"priority": 0}, "configuration.json"), "--json"
    )

    report = json.loads(said)
    assert (code, report["is_valid"]) == (1, False)
    assert {error["path"] for error in report["errors"]} >= {"configuration.priority"}
    assert all(set(warning) == {"name", "description", "path"} for warning in report["warnings"])


def test_a_good_manifest_is_valid_in_yaml_too(file):
    text = "seedVersion: 1.0.0\njob:\n" + "".join(f"  {line}\n" for line in (
        "name: hello", "jobVersion: 1.0.0", "packageVersion: 1.0.0", "title: Hello", "description: Says hello",
        "timeout: 60", "maintainer: {name: Ann, email: ann@example.com}",
    ))  # fmt: skip

    assert manage("validate", file(text, "seed.manifest.yaml")) == (0, "Valid.\n")


def test_publish_makes_a_job_type_and_then_revisions_of_it(file):
    manifest, configuration = file(sample()), file(sample_configuration(), "configuration.json")

    first = manage("publish", manifest, "--image", "test:1", "--configuration", configuration, "--max-scheduled", "3")
    second = manage("publish", manifest, "--image", "test:2")

    assert first == (0, "test 1.0.0: new, revision 1\n")
    assert second == (0, "test 1.0.0: edited, revision 2\n")
    job_type = JobType.objects.get(name="test")
    assert (job_type.docker_image, job_type.max_scheduled) == ("test:2", 3)


def test_what_is_not_valid_is_not_published(file):
    code, said = manage("publish", file(a_manifest(timeout=0)), "--image", "x")

    assert code == 1
    assert "job.timeout" in said
    assert not JobType.objects.filter(is_system=False).exists()


def test_a_file_that_is_none_is_an_error_of_one_line(file):
    for name in ("/nowhere/seed.json", file("[1]", "list.json"), file("{", "half.json")):
        with pytest.raises(CommandError) as refusal:
            manage("validate", name)
        assert name in str(refusal.value)


def test_a_reserved_name_is_refused_in_words(file):
    with pytest.raises(CommandError, match="reserved"):
        manage("publish", file(a_manifest(name="status")), "--image", "x")
