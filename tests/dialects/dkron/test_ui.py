"""Dkron's web UI at /ui/: a built copy of it, its placeholders filled in, under a policy of its own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from django.test import Client
from rest_framework.test import APIClient

from config.dialects.dkron import nodes
from config.dialects.dkron.ui import literal
from jobs.models import JobRecord
from tests.builders import a_client, a_job, a_user

COPY = Path(__file__).with_name("ui")

pytestmark = pytest.mark.django_db


@pytest.fixture
def ui(settings, tmp_path: Path) -> Path:
    """A built copy that the house serves, and a file beside it that it must not."""
    folder = tmp_path / "ui"
    (folder / "assets").mkdir(parents=True)
    for name in ("index.html", "assets/app.js", "assets/app.css"):
        (folder / name).write_bytes((COPY / name).read_bytes())
    (tmp_path / "secret.txt").write_text("hidden from everybody")
    settings.DKRON_UI_DIR = str(folder)
    return folder


def told(page: str) -> dict[str, object]:
    """What the page's script sets."""
    found = re.findall(r"window\.(DKRON_\w+) = (.*);", page)
    return {name: json.loads(value) for name, value in found}


def text(answer) -> str:
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def test_without_a_copy_the_console_is_home(db):
    answer = APIClient().get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    for path in ("/ui", "/ui/", "/ui/assets/app.js"):
        assert APIClient().get(path).status_code == 404


def test_a_folder_that_is_no_copy_is_none(settings, tmp_path):
    settings.DKRON_UI_DIR = str(tmp_path)

    assert APIClient().get("/ui/").status_code == 404


@pytest.mark.parametrize("accept", [None, "*/*", "text/html,application/xhtml+xml"])
def test_home_is_the_ui_for_whoever_takes_a_page(ui, accept):
    answer = APIClient().get("/", **({"HTTP_ACCEPT": accept} if accept else {}))

    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/")
    assert answer.headers["X-Whom"] == nodes.name()


def test_home_is_404_for_whoever_does_not(ui):
    assert APIClient().get("/", HTTP_ACCEPT="application/json").status_code == 404


def test_the_page_is_told_where_the_api_is_and_who_leads(ui):
    answer = APIClient().get("/ui/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["X-Whom"] == nodes.name()
    assert "{{" not in text(answer)
    assert told(text(answer)) == {
        "DKRON_API_URL": "../v1",
        "DKRON_LEADER": nodes.name(),
        "DKRON_TOTAL_JOBS": 0,
        "DKRON_SUCCESSFUL_JOBS": 0,
        "DKRON_FAILED_JOBS": 0,
        "DKRON_UNTRIGGERED_JOBS": 0,
        "DKRON_ACL_ENABLED": True,
    }


def test_how_many_jobs_there_are_is_told_to_those_whom_the_house_knows(ui):
    for name, status in {"a": "COMPLETED", "b": "FAILED", "c": "FAILED", "d": ""}.items():
        JobRecord.objects.filter(job=a_job(name)).update(last_status=status)
    numbers = ("DKRON_TOTAL_JOBS", "DKRON_SUCCESSFUL_JOBS", "DKRON_FAILED_JOBS", "DKRON_UNTRIGGERED_JOBS")
    signed_in = Client()
    signed_in.force_login(a_user("reader"))

    def counted(client) -> list[object]:
        page = told(text(client.get("/ui/")))
        return [page[name] for name in numbers]

    assert counted(a_client("reader")) == [4, 1, 2, 1]
    assert counted(signed_in) == [4, 1, 2, 1]
    assert counted(APIClient()) == [0, 0, 0, 0]
    assert counted(APIClient(HTTP_AUTHORIZATION="Bearer nonsense")) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "value", ["</script><script>alert(1)</script>", "a\u2028b\u2029", "'\"\\", "<!--", "&lt;", None, 5, True]
)
def test_a_value_is_a_literal_that_cannot_leave_its_script(value):
    written = literal(value)

    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written) == value


def test_scripts_of_the_page_run_and_no_others(ui):
    policy = APIClient().get("/ui/").headers["Content-Security-Policy"]

    scripts = re.search(r"script-src ([^;]*)", policy)[1].split()
    assert scripts[0] == "'self'"
    assert [one.startswith("'sha256-") for one in scripts[1:]] == [True]
    assert "'unsafe-inline'" not in scripts
    assert "frame-ancestors 'none'" in policy
    assert "'sha256-" not in APIClient().get("/admin/login/").headers["Content-Security-Policy"]


def test_files_are_served_with_their_types(ui):
    script, style = APIClient().get("/ui/assets/app.js"), APIClient().get("/ui/assets/app.css")

    assert script.headers["Content-Type"] == "text/javascript"
    assert style.headers["Content-Type"] == "text/css"
    assert text(script) == (COPY / "assets/app.js").read_text()


@pytest.mark.parametrize(
    "path", ["/ui/jobs", "/ui/jobs/x/show", "/ui/assets", "/ui/nothing.js", "/ui/index.html", "/ui//"]
)
def test_every_other_path_below_is_the_page(ui, path):
    answer = APIClient().get(path)

    assert answer.status_code == 200
    assert told(text(answer))["DKRON_API_URL"] == "../v1"


@pytest.mark.parametrize(
    "path",
    [
        "/ui/../secret.txt",
        "/ui/%2e%2e/secret.txt",
        "/ui/..%2fsecret.txt",
        "/ui/assets/../../secret.txt",
        "/ui/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/ui//etc/passwd",
        "/ui/%2fetc%2fpasswd",
        "/ui/link.txt",
        "/ui/" + "a/" * 150,
        "/ui/..%5csecret.txt",
    ],
)
def test_nothing_outside_of_the_copy_is_served(ui, path):
    os.symlink(ui.parent / "secret.txt", ui / "link.txt")

    answer = APIClient().get(path)

    assert answer.status_code in (200, 400, 404)
    said = text(answer)
    assert "hidden from everybody" not in said
    assert "root:" not in said


def test_the_ui_is_only_looked_at(ui):
    for method in ("post", "put", "delete"):
        assert getattr(APIClient(), method)("/ui/").status_code == 404
    assert APIClient().get("/ui").headers["Location"] == "/ui/"
