"""Dkron's own clients, as they come from PyPI, against a live server: pydkron and django-dkron."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pydkron.client import DkronClient, DkronClientException, DkronJobNotFound

from jobs.models import Job
from tests.builders import a_user, an_execution
from tests.config.callers import key_of
from tests.dialects.dkron.acts import job, runs_of
from tests.dialects.dkron.proxy import adding_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key(transactional_db) -> str:
    return key_of(a_user("editor"))


@pytest.fixture
def pydkron(live_server, key) -> Iterator[DkronClient]:
    with adding_token(live_server.url, key) as place:
        yield DkronClient([place])


def test_pydkron_makes_reads_runs_toggles_and_deletes_jobs(pydkron):
    assert pydkron.status()["agent"]["name"]
    pydkron.create_job(
        {
            "name": "nightly",
            "schedule": "0 30 2 * * *",
            "owner": "ada",
            "shell": True,
            "command": "echo old style",
            "executor": "shell",
            "executor_config": {"command": "echo hello"},
            "retries": 2,
        }
    )

    (one,) = pydkron.jobs()
    assert (one["name"], one["owner"], one["retries"], one["executor_config"]) == (
        "nightly",
        "ada",
        2,
        {"command": "echo hello"},
    )
    loaded = pydkron.get_job("nightly")
    loaded["owner"] = "bob"
    assert pydkron.save_job(loaded)["owner"] == "bob"
    assert pydkron.run_job("nightly")["name"] == "nightly"
    assert len(runs_of("nightly")) == 1
    an_execution(job("nightly"), status="COMPLETED", output="hello\n", output_bytes=6)
    (run,) = pydkron.get_executions("nightly")
    assert (run["success"], run["output"]) == (True, "hello\n")
    assert pydkron.toggle("nightly")["disabled"] is True
    assert pydkron.delete_job("nightly")["name"] == "nightly"
    assert pydkron.jobs() == []


def test_pydkron_is_told_what_is_not_there_and_what_is_not_taken(pydkron):
    for ask in (pydkron.get_job, pydkron.run_job, pydkron.toggle, pydkron.delete_job, pydkron.get_executions):
        with pytest.raises(DkronJobNotFound):
            ask("nothing")
    with pytest.raises(DkronClientException, match="status=400"):
        pydkron.create_job({"name": "Bad", "schedule": "never"})


def test_django_dkron_keeps_its_jobs_in_the_house(live_server, key):
    basic = base64.b64encode(f"site:{key}".encode()).decode()
    site = [sys.executable, "-m", "tests.dialects.dkron.django_dkron_site", live_server.url, basic]

    done = subprocess.run(site, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    told = {name: reason for name, _, reason in said["first"]}
    assert (told["nightly"], told["after"]) == (None, None)
    assert told["bad"].startswith("Job validation failed: schedule")
    assert sorted(map(tuple, said["second"])) == [("after", "d", None), ("nightly", "u", None)]
    name, address = said["run"]
    assert address == f"/ui/#/jobs/site_{name}/show/executions"
    living = {one.name: one for one in Job.objects.living().filter(is_ad_hoc=False).select_related("payload")}
    assert living.keys() == {"site_nightly", f"site_{name}"}
    assert not living["site_nightly"].is_enabled
    assert living["site_nightly"].metadata == {"cron": "auto"}
    assert [run.status for run in runs_of(f"site_{name}")] == ["QUEUED"]
