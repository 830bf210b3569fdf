"""The house as a cluster of Dkron's, and what holds for every answer: headers, slashes, other sites, tokens."""

from __future__ import annotations

import base64
import ipaddress
import json
import uuid

import pytest
from rest_framework.test import APIClient

from executions import clock
from jobs.models import Job
from tests.builders import a_client, a_worker
from tests.config.callers import key_of, user
from tests.dialects.dkron.acts import JOBS, body, names, send, store

pytestmark = pytest.mark.django_db

MEMBER = {
    *("Name", "Addr", "Port", "Tags", "Status", "ProtocolMin", "ProtocolMax", "ProtocolCur"),
    *("DelegateMin", "DelegateMax", "DelegateCur"),
}
SERF = {
    *("members", "failed", "left", "health_score", "member_time", "event_time", "query_time", "intent_queue"),
    *("event_queue", "query_queue", "encrypted", "coordinate_resets"),
}
EVERYWHERE = ["/v1", "/v1/members", "/v1/leader", "/v1/isleader", "/v1/busy", "/v1/pause", "/v1/jobs", "/debug/vars"]


def test_the_index_says_who_answers_and_every_value_is_a_text(dkron):
    answer = dkron.get("/v1").json()

    assert answer.keys() == {"agent", "serf", "tags"}
    assert answer["agent"].keys() == {"name", "version"}
    assert answer["serf"].keys() == SERF
    assert all(isinstance(value, str) for part in answer.values() for value in part.values())
    assert answer["tags"]["role"] == "dkron"


def test_members_are_the_machines_of_the_house(dkron):
    a_worker(host="far.example", tags={"vmclass": "web", "role": "db"}, seen=clock.now())
    a_worker(host="gone.example", seen=clock.now(), stopped=clock.now())

    answer = dkron.get("/v1/members")

    members = {one["Name"]: one for one in answer.json()}
    here = dkron.get("/v1").json()["agent"]["name"]
    assert answer.headers["X-Total-Count"] == "2"
    assert members.keys() == {here, "far.example"}
    assert members[here].keys() == MEMBER | {"id", "statusText"}
    assert (members[here]["Port"], members[here]["Status"], members[here]["statusText"]) == (8946, 1, "alive")
    assert members["far.example"]["Tags"]["vmclass"] == "web"
    assert members["far.example"]["Tags"]["role"] == "db"
    ipaddress.ip_address(members[here]["Addr"])


def test_the_ids_of_members_are_new_on_each_call(dkron):
    first, second = (uuid.UUID(dkron.get("/v1/members").json()[0]["id"]) for _ in range(2))

    assert first != second


def test_a_machine_whose_workers_are_stopping_is_leaving(dkron):
    a_worker(host="far.example", is_stopping=True, seen=clock.now())

    told = {one["Name"]: one["statusText"] for one in dkron.get("/v1/members").json()}

    assert told["far.example"] == "leaving"


def test_the_leader_is_who_answers(dkron):
    answer = dkron.get("/v1/leader")

    assert answer.json().keys() == MEMBER
    assert answer.json()["Name"] == answer.headers["X-Whom"]
    assert dkron.get("/v1/isleader").json() == "I am a leader"


def test_leaving_answers_with_the_members_and_stops_nothing(dkron):
    assert dkron.post("/v1/leave").json()[0].keys() == MEMBER | {"id", "statusText"}
    assert dkron.get("/v1/leave").status_code == 404
    assert dkron.get("/v1").status_code == 200


def test_health_needs_no_token_and_is_healthy(db):
    answer = APIClient().get("/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "healthy"})
    assert "X-Whom" not in answer.headers


def test_the_process_tells_its_counters(dkron):
    assert dkron.get("/debug/vars").json()["memstats"]["Sys"] > 0


def test_metrics_of_dkrons_names_count_the_runs_of_its_jobs(dkron):
    store(dkron)
    record = Job.objects.get(name="job1").record
    record.success_count, record.error_count = 4, 2
    record.save()

    text = dkron.get("/metrics").content.decode()

    assert 'dkron_job_executions_succeeded_total{job_name="job1"} 4.0' in text
    assert 'dkron_job_executions_failed_total{job_name="job1"} 2.0' in text


# --- pause ------------------------------------------------------------------------------------------------------------


def test_paused_submissions_are_503_and_all_else_goes_on(dkron):
    store(dkron)
    assert dkron.get("/v1/pause").json() == {"paused": False}
    assert dkron.post("/v1/pause").json() == {"paused": True}
    assert dkron.get("/v1/pause/").json() == {"paused": True}

    for method, path in (("post", JOBS), ("patch", JOBS), ("put", f"{JOBS}/job1")):
        answer = send(dkron, body("other"), method=method, path=path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
        assert "paused" in answer.content.decode()
    assert send(dkron, "no job").status_code == 503, "it is looked at first"
    assert dkron.post(f"{JOBS}/job1").status_code == 202
    assert dkron.post(f"{JOBS}/job1/toggle").status_code == 200
    assert dkron.delete(f"{JOBS}/job1").status_code == 200

    assert dkron.post("/v1/unpause").json() == {"paused": False}
    assert send(dkron, body("other")).status_code == 201


# --- every answer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERYWHERE)
def test_both_spellings_answer_directly_with_json_and_who_it_was(dkron, path):
    for spelling in (path, f"{path}/"):
        answer = dkron.get(spelling, HTTP_ACCEPT="text/html")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["X-Whom"]


def test_both_spellings_of_every_address_of_a_job_answer_directly(dkron):
    for slash in ("", "/"):
        for method in ("post", "patch"):
            assert send(dkron, body(), method=method, path=f"{JOBS}{slash}").status_code == 201
        assert send(dkron, body(), method="put", path=f"{JOBS}/job1{slash}").status_code == 201
        assert dkron.get(f"{JOBS}/job1{slash}").status_code == 200
        assert dkron.get(f"{JOBS}/job1/executions{slash}").status_code == 200
        assert dkron.post(f"{JOBS}/job1/run{slash}").status_code == 202
        assert dkron.post(f"{JOBS}/job1/toggle{slash}").status_code == 200
        assert dkron.post(f"{JOBS}/job1/toggle{slash}").status_code == 200
        assert dkron.delete(f"{JOBS}/job1/executions{slash}").status_code == 200
    assert dkron.delete(f"{JOBS}/job1/").status_code == 200


@pytest.mark.parametrize("query", ["?pretty", "?pretty=", "?pretty=false", "?pretty=true"])
def test_pretty_is_indented_by_four_blanks_whatever_its_value(dkron, query):
    answer = dkron.get(f"/v1/pause{query}")

    assert answer.content == b'{\n    "paused": false\n}'


def test_without_pretty_the_json_is_compact(dkron):
    assert dkron.get("/v1/pause").content == b'{"paused":false}'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v1/nothing"),
        ("get", "/v1/nothing/"),
        ("post", "/v1/nothing"),
        ("get", "/v1/export"),
        ("get", "/v1/jobs/a/b"),
        ("get", "/v1/jobs/a/executions/1/x"),
        ("put", JOBS),
        ("delete", JOBS),
        ("patch", f"{JOBS}/job1"),
        ("get", f"{JOBS}/job1/run"),
        ("get", f"{JOBS}/job1/toggle"),
        ("post", f"{JOBS}/job1/executions"),
        ("delete", f"{JOBS}/job1/executions/1-x"),
        ("post", "/v1/members"),
        ("get", "/v1/unpause"),
        ("get", "/v1/restore"),
        ("options", JOBS),
    ],
)
def test_an_unknown_route_or_method_is_404_in_text(dkron, method, path):
    answer = getattr(dkron, method)(path)

    assert (answer.status_code, answer.content) == (404, b"404 page not found")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Whom"]


# --- other sites ------------------------------------------------------------------------------------------------------

OTHER = {"HTTP_ORIGIN": "https://elsewhere.example"}


@pytest.mark.parametrize("path", [*EVERYWHERE, "/v1/nothing", f"{JOBS}/nothing"])
def test_pages_of_other_sites_may_read_every_answer(dkron, path):
    answer = dkron.get(path, **OTHER)

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_refusal_may_be_read_elsewhere_too(db):
    assert APIClient().get(JOBS, **OTHER).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("origin", [None, "http://testserver"])
def test_this_sites_own_pages_need_no_such_header(dkron, origin):
    answer = dkron.get(JOBS, HTTP_HOST="testserver", **({"HTTP_ORIGIN": origin} if origin else {}))

    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", [JOBS, f"{JOBS}/job1", f"{JOBS}/job1/toggle/", "/v1", "/v1/nothing"])
def test_a_preflight_is_204_without_a_token(db, path):
    answer = APIClient().options(
        path,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="PUT",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,content-type",
        **OTHER,
    )

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "*, Authorization"
    assert answer.headers["Access-Control-Max-Age"] == "43200"


def test_other_doors_are_not_open_to_other_sites(dkron):
    answer = dkron.get("/v6/jobs/", **OTHER)

    assert "Access-Control-Allow-Origin" not in answer.headers


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        lambda key: {"HTTP_AUTHORIZATION": f"Bearer {key}"},
        lambda key: {"HTTP_AUTHORIZATION": f"Token {key}"},
        lambda key: {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"anyone:{key}".encode()).decode()},
        lambda key: {"HTTP_X_DKRON_TOKEN": key},
        lambda key: {"HTTP_X_API_KEY": key},
    ],
)
def test_a_token_is_taken_in_every_form_that_clients_send(db, header):
    assert APIClient().get(JOBS, **header(key_of(user()))).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": "Bearer nonsense"}, {"HTTP_X_DKRON_TOKEN": "jh_x"}])
@pytest.mark.parametrize("path", EVERYWHERE)
def test_without_a_good_token_the_answer_is_401(db, path, headers):
    answer = APIClient().get(path, **headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Token")
    assert answer.json()["message"]
    assert answer.headers["X-Whom"]


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("reader", "get", JOBS, 200),
        ("reader", "get", f"{JOBS}/job1/executions", 200),
        ("reader", "post", f"{JOBS}/job1", 403),
        ("reader", "post", f"{JOBS}/job1/toggle", 403),
        ("reader", "post", JOBS, 403),
        ("reader", "post", "/v1/pause", 403),
        ("executor", "post", f"{JOBS}/job1", 202),
        ("executor", "post", f"{JOBS}/job1/toggle", 200),
        ("executor", "post", JOBS, 403),
        ("executor", "delete", f"{JOBS}/job1", 403),
        ("executor", "delete", f"{JOBS}/job1/executions", 403),
        ("executor", "post", "/v1/restore", 403),
        ("editor", "delete", f"{JOBS}/job1", 200),
    ],
)
def test_roles_reach_as_far_as_they_do_elsewhere(dkron, role, method, path, status):
    store(dkron)

    answer = getattr(a_client(role), method)(path)

    assert answer.status_code == status
    if status == 403:
        assert "message" in json.loads(answer.content)


def test_what_a_user_without_rights_sends_changes_nothing(reader, dkron):
    send(reader, body())

    assert names(dkron) == []


# --- hostile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        f"{JOBS}?q={'x' * 5000}",
        f"{JOBS}?_sort=%F0%9F%98%80&_order=%FF&_start=1e9&_end=0x10",
        f"{JOBS}?metadata[{'k' * 3000}]=v",
        f"{JOBS}?metadata[a\"b]=v&metadata[]=x&metadata[']=y",
        f"{JOBS}?status=%ED%A0%80&disabled=%ED%A0%80&q=%ED%A0%80",
        f"{JOBS}/%ED%A0%80",
        f"{JOBS}/..%2f..%2fetc",
        f"{JOBS}/job1/executions?output_size_limit={'9' * 400}",
    ],
)
def test_hostile_addresses_are_no_accident(dkron, path):
    store(dkron)

    assert dkron.get(path).status_code in (200, 400, 404)


@pytest.mark.parametrize(
    "sent", ["[" * 100_000, '{"a":' * 500 + "1" + "}" * 500, '{"retries": 1' + "0" * 5000 + "}", '{"name": NaN}']
)
def test_hostile_bodies_are_400(dkron, sent):
    answer = dkron.generic("POST", JOBS, sent, content_type="application/json")

    assert answer.status_code == 400
    assert answer.content.startswith(b"Unable to parse payload: ")
