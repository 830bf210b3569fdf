"""Bodies and paths that nobody means well with: a clear 4xx each, and quickly."""

from __future__ import annotations

import json
import time

import pytest

from jobtypes.models import JobType
from tests.jobtypes.api.scale import body, made

pytestmark = pytest.mark.django_db


def sent(client, text, path="job-types/", method="post"):
    begun = time.monotonic()
    answer = getattr(client, method)(f"/v6/{path}", data=text, content_type="application/json")
    assert time.monotonic() - begun < 5
    assert isinstance(answer.json()["detail"], str)
    return answer.status_code


BODIES = {
    "no object": "[]",
    "a number": "7",
    "null": "null",
    "a text": '"manifest"',
    "nothing": "",
    "no json": "{manifest: 1}",
    "half": '{"manifest": {',
    "not utf-8": b'{"manifest": "\xff"}',
    "infinity": '{"manifest": {}, "docker_image": "x", "max_scheduled": Infinity}',
    "a long number": '{"manifest": {}, "docker_image": "x", "max_scheduled": ' + "9" * 5000 + "}",
    "too deep": '{"manifest": ' + '{"a":' * 5000 + "1" + "}" * 5000 + ', "docker_image": "x"}',
    "half a pair": '{"manifest": {}, "docker_image": "\\ud800"}',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    ("path", "method"), [("job-types/", "post"), ("job-types/validation/", "post"), ("job-types/a/1.0.0/", "patch")]
)
def test_what_is_no_body_is_400(client, path, method, name):
    nothing_to_do = method == "patch" and name == "nothing"  # to a job type that is not there

    assert sent(client, BODIES[name], path, method) == (404 if nothing_to_do else 400)


@pytest.mark.parametrize("path", ["job-types/", "job-types/validation/"])
def test_a_manifest_of_5_mb_is_too_large(client, path):
    assert sent(client, json.dumps(body(job={"description": "x" * 5_000_000})), path) == 413


def test_a_manifest_of_500_kb_is_refused_without_a_long_look(client):
    assert sent(client, json.dumps(body(job={"description": "x" * 500_000}))) == 400


@pytest.mark.parametrize("count", [1_001, 9_000, 10_000])
def test_so_many_inputs_are_refused(client, count):
    inputs = {"inputs": {"json": [{"name": f"n{number}", "type": "string"} for number in range(count)]}}

    assert sent(client, json.dumps(body(interface=inputs))) == 400


def test_so_many_keys_are_refused(client):
    assert sent(client, json.dumps(body(**{f"k{number}": 1 for number in range(10_001)}))) == 400


@pytest.mark.parametrize(
    "name", ["a/b", 'a"b', "a'b", "a b", "☃", "😀", "a\u0000b", "../..", "a%2Fb", "", "a" * 51, "a_b", "a\n", "<b>"]
)
def test_names_are_letters_digits_and_hyphens(client, name):
    assert sent(client, json.dumps(body(name))) == 400
    assert not JobType.objects.filter(is_system=False).exists()


@pytest.mark.parametrize(
    "version",
    ["1", "1.0", "v1.0.0", "1.0.0/2", "01.0.0", "1.0.0-", "1.0.0+", "😀", "1.0.0\u0000", "1." + "9" * 60 + ".0"],
)
def test_versions_are_semantic(client, version):
    assert sent(client, json.dumps(body(version=version))) == 400


@pytest.mark.parametrize("field", ["docker_image", "icon_code"])
def test_no_text_holds_a_nul(client, field):
    assert sent(client, json.dumps(body() | {field: "a\u0000b"})) == 400


@pytest.mark.parametrize("name", ["😀", "a%00b", "a%2Fb", "a'b", 'a"b', "a b", "..", "%ff", "a" * 500])
def test_a_path_with_anything_else_is_404_or_empty(client, name):
    assert client.get(f"/v6/job-types/{name}/1.0.0/").status_code in (400, 404)
    answer = client.get(f"/v6/job-types/{name}/")
    assert answer.status_code in (400, 404) or answer.json()["count"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "keyword=%00",
        "keyword=%F0%9F%98%80",
        "keyword=%25_%5C",
        "keyword='--",
        "order=%00",
        "id=%00",
        f"keyword={'k' * 201}",
        f"id={'9' * 50}",
        "page=%00",
    ],
)
@pytest.mark.parametrize("path", ["job-types/", "job-type-names/"])
def test_no_query_breaks_a_list(client, path, query):
    assert client.get(f"/v6/{path}?{query}").status_code in (200, 400, 404)


@pytest.mark.parametrize("key", ["😀", "a" * 5000, "", "__class__", "a.b"])
def test_an_unknown_key_is_400_whatever_it_is(client, key):
    assert sent(client, json.dumps(body(**{key: 1}))) == 400


def test_another_content_type_is_415(client):
    assert client.post("/v6/job-types/", data="<a/>", content_type="application/xml").status_code == 415


def test_the_same_edit_twice_is_two_revisions_and_the_same_upload_too(client):
    made(client)
    for _ in range(2):
        assert (
            client.patch(
                "/v6/job-types/count-words/1.0.0/", {"manifest": body()["manifest"]}, format="json"
            ).status_code
            == 200
        )
        assert client.post("/v6/job-types/", body(), format="json").status_code == 200

    job_type = JobType.objects.get(name="count-words")
    assert job_type.revision_num == 5
    assert list(job_type.revisions.order_by("revision_num").values_list("revision_num", flat=True)) == [1, 2, 3, 4, 5]
