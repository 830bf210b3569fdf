"""What holds for every endpoint: how bodies and addresses are read, and that bad ones are never a 5xx."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, OperationalError
from django.test import Client
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from config import fallback
from errors.api.exceptions import handler
from errors.api.parsers import StrictJSONParser, TooLarge
from errors.api.serializers import (
    LabelsField,
    MomentField,
    ObjectField,
    StrictBoolean,
    StrictChoice,
    StrictInteger,
    StrictSerializer,
    StrictText,
)
from errors.exceptions import Conflict, Forbidden, Invalid, NotFound, Refused, Unavailable
from tests.config.callers import caller

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Invalid(), 400),
        (NotFound(), 404),
        (Conflict(), 409),
        (Forbidden(), 403),
        (Unavailable(), 503),
        (Refused("no"), 400),
        (OperationalError("database is locked"), 503),
        (DataError("value too long"), 400),
        (ModelValidationError({"name": ["Taken."]}), 400),
        (ModelValidationError("No."), 400),
    ],
)
def test_every_refusal_has_its_status_and_says_why(refusal, status):
    answer = handler(refusal, {})

    assert answer is not None
    assert answer.status_code == status
    assert isinstance(answer.data["detail"], str)
    assert answer.data["detail"]
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_a_refusal_about_fields_has_an_entry_for_each():
    answer = handler(Invalid("No.", {"name": ["Taken."], "tags": ["Too many."]}), {})

    assert answer is not None
    assert answer.data == {"detail": "No.", "name": ["Taken."], "tags": ["Too many."]}


@pytest.mark.parametrize(
    ("problem", "detail"),
    [
        ({"name": ["This field is required."]}, "name: This field is required."),
        ({"parents": {"0": ["Unknown."]}}, "parents.0: Unknown."),
        ({"non_field_errors": ["Not so."]}, "Not so."),
        (["Bad."], "Bad."),
        ({"jobs": [{}, {"name": ["Taken."]}]}, "jobs[1].name: Taken."),
        ({"x": ['Parameter must be a valid boolean: "x"']}, 'Parameter must be a valid boolean: "x"'),
    ],
)
def test_the_detail_of_a_wrong_body_is_its_first_problem_with_the_path_to_it(problem, detail):
    answer = handler(ValidationError(problem), {})

    assert answer is not None
    assert answer.data["detail"] == detail


def test_what_nobody_foresaw_is_no_refusal():
    assert handler(ZeroDivisionError(), {}) is None


# --- Bodies -----------------------------------------------------------------------------------------------------------


def parse(body: bytes) -> object:
    return StrictJSONParser().parse(BytesIO(body))


def test_a_body_is_json_in_utf8():
    assert parse('{"a": ["é", 1, 1.5, null, true]}'.encode()) == {"a": ["é", 1, 1.5, None, True]}
    assert parse(b"\xef\xbb\xbf[]") == []


def test_of_a_repeated_key_the_last_one_wins():
    assert parse(b'{"a": 1, "a": 2}') == {"a": 2}


def test_limits_hold_to_the_last_one_allowed():
    assert parse(b"[" * 64 + b"]" * 64)
    assert parse(json.dumps({str(i): i for i in range(10_000)}).encode())
    assert parse(b"9" * 40) == int("9" * 40)
    assert parse(json.dumps(["[{" * 10_000]).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b"[Infinity, -Infinity]",
        b"[1e999]",
        b"9" * 41,
        b"0." + b"9" * 41,
        b"[" * 65 + b"]" * 65,
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b"[" + b"[]," * 300_000 + b"[]]",
        json.dumps({str(i): i for i in range(10_001)}).encode(),
        json.dumps([{str(i): i} for i in range(10_001)]).encode(),
        b'"\\u0000"',
        b'{"a\\u0000": 1}',
        b'"\\ud800"',
        b"\xff",
        b'"\xc3"',
        b'"' + b"\\" * 500_001,
    ],
    ids=lambda body: body[:12].decode(errors="replace"),
)
def test_a_malformed_body_is_refused_and_the_refusal_says_so(body):
    with pytest.raises(ParseError, match="JSON parse error - "):
        parse(body)


def test_a_body_beyond_the_limit_is_413(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert parse(b'"12345678"') == "12345678"

    with pytest.raises(TooLarge):
        parse(b'"123456789"')


@pytest.mark.django_db
def test_a_large_body_is_refused_before_it_is_read():
    answer = caller().post("/v6/errors/", b" " * 1_048_577, content_type="application/json")

    assert answer.status_code == 413
    assert "1048576" in answer.json()["detail"]


def test_a_body_that_does_not_say_its_length_is_411():
    answer = Client().generic("POST", "/v6/errors/", HTTP_TRANSFER_ENCODING="chunked")

    assert answer.status_code == 411
    assert "Content-Length" in answer.json()["detail"]


# --- Fields -----------------------------------------------------------------------------------------------------------


class Body(StrictSerializer):
    text = StrictText(required=False, max_length=5)
    number = StrictInteger(required=False)
    flag = StrictBoolean(required=False)
    loose_flag = StrictBoolean(required=False, reads_text=True)
    loose_number = StrictInteger(required=False, reads_text=True)
    moment = MomentField(required=False)
    thing = ObjectField(required=False)
    labels = LabelsField(required=False, limit=2)
    choice = StrictChoice(required=False, choices=["once", "all"])
    kept = StrictInteger(read_only=True)


def errors_of(**body: object) -> dict:
    serializer = Body(data=body)
    serializer.is_valid()
    return dict(serializer.errors)


def test_values_of_the_right_kind_are_taken():
    serializer = Body(
        data={
            "text": "é",
            "number": 5,
            "flag": False,
            "loose_flag": " T ",
            "loose_number": "7",
            "moment": "2026-11-21T14:00:00+02:00",
            "thing": {"a": [1]},
            "labels": {"role": "web:2"},
            "choice": "all",
            "kept": "whatever",
        }
    )

    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {
        "text": "é",
        "number": 5,
        "flag": False,
        "loose_flag": True,
        "loose_number": 7,
        "moment": NOON,
        "thing": {"a": [1]},
        "labels": {"role": "web:2"},
        "choice": "all",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 5),
        ("text", True),
        ("text", ["a"]),
        ("text", None),
        ("text", "123456"),
        ("number", "5"),
        ("number", True),
        ("number", 1.0),
        ("number", 2**31),
        ("number", 10**39),
        ("flag", "true"),
        ("flag", 1),
        ("flag", {}),
        ("loose_flag", "yes"),
        ("loose_flag", []),
        ("loose_number", "five"),
        ("loose_number", "9" * 5_000),
        ("moment", "2026-11-21T14:00:00"),
        ("moment", "tomorrow"),
        ("moment", 5),
        ("moment", "0001-01-01T00:00:00+14:00"),
        ("thing", []),
        ("thing", "x"),
        ("labels", {"a": 1}),
        ("labels", {"": "x"}),
        ("labels", {"a": "1", "b": "2", "c": "3"}),
        ("labels", []),
        ("choice", "never"),
        ("choice", ["once"]),
        ("choice", {}),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_at_its_field(field, value):
    assert set(errors_of(**{field: value})) == {field}


def test_an_unknown_field_is_refused_by_its_name():
    assert errors_of(colour="red", text="x") == {"colour": ["Unknown field."]}


@pytest.mark.parametrize("body", [[], "text", 5, None, True])
def test_a_body_that_is_no_object_is_refused(body):
    request = Request(
        APIRequestFactory().post("/", json.dumps(body), content_type="application/json"), [StrictJSONParser()]
    )

    with pytest.raises(ValidationError):
        Body.read(request)


def test_a_moment_is_shown_in_utc_with_microseconds_where_there_are_any():
    berlin = timezone(timedelta(hours=2))

    assert MomentField().to_representation(datetime(2026, 11, 21, 14, tzinfo=berlin)) == "2026-11-21T12:00:00Z"
    assert MomentField().to_representation(NOON.replace(microsecond=485611)) == "2026-11-21T12:00:00.485611Z"


# --- Addresses --------------------------------------------------------------------------------------------------------


def test_a_path_without_its_slash_is_completed_for_those_who_only_read():
    assert Client().get("/v6/errors?a=b").headers["Location"] == "/v6/errors/?a=b"
    assert Client().get("/v6/errors").status_code == 301
    assert Client().post("/v6/errors", {}).status_code == 404
    assert Client().get("/v6/nonsense").status_code == 404


@pytest.mark.parametrize("path", ["/v6/nonsense/", "/v6/nonsense", "/api/nonsense/", "/v6/", "/health/nonsense"])
def test_below_the_apis_paths_what_is_not_found_is_json(path):
    answer = Client().get(path)

    assert answer.status_code == 404
    also = {"message": "Not found."} if path.startswith("/api/") else {}  # which clients of those doors read
    assert answer.json() == {"detail": "Not found."} | also


@pytest.mark.django_db
def test_an_address_of_too_many_parameters_is_400():
    answer = caller().get("/v6/errors/?" + "a=1&" * 1_001)

    assert answer.status_code == 400
    assert answer.json() == {"detail": "Bad request."}


@pytest.mark.parametrize("path", ["/v6/errors", "/health", "/health/live", "/health/ready"])
def test_where_nothing_can_be_changed_no_csrf_token_is_asked_for(path):
    answer = Client(enforce_csrf_checks=True).post(path)

    assert answer.status_code in (404, 405)


def test_programs_are_told_in_json_that_their_csrf_token_is_missing():
    program, person = (fallback.csrf_failure(APIRequestFactory().post(path), "No.") for path in ("/v6/x/", "/admin/x/"))

    assert (program.status_code, person.status_code) == (403, 403)
    assert json.loads(program.getvalue()) == {"detail": "CSRF failed: No."}
    assert person["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("handle", [fallback.bad_request, fallback.permission_denied, fallback.page_not_found])
def test_programs_are_answered_in_json_and_people_with_a_page(handle):
    program, person = (APIRequestFactory().get(path) for path in ("/v6/x/", "/admin/x/"))

    assert handle(program, Exception())["Content-Type"] == "application/json"
    assert handle(person, Exception())["Content-Type"].startswith("text/html")


def test_what_went_wrong_here_is_in_the_log_and_not_in_the_answer():
    answer = fallback.server_error(APIRequestFactory().get("/v6/x/"))

    assert answer.status_code == 500
    assert set(json.loads(answer.getvalue())) == {"detail", "reference"}


def test_a_nul_in_an_address_is_400():
    assert Client().get("/v6/errors/%00/").status_code == 400
    assert Client().get("/v6/errors/?name=%00").status_code == 400


def test_the_schema_and_its_page_need_no_token_and_no_other_host():
    assert Client().get("/api/schema/").status_code == 200
    page = Client().get("/api/docs/")
    script = Client().get("/api/docs/?script=")

    assert page.status_code == script.status_code == 200
    assert script.headers["Content-Type"] == "application/javascript"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    html = page.content.decode()
    assert "http://" not in html
    assert "https://" not in html
    assert "<style" not in html


@pytest.mark.parametrize("method", ["options", "post", "delete", "trace"])
def test_the_docs_page_can_only_be_read(method):
    assert getattr(Client(), method)("/api/docs/").status_code == 405


def test_every_answer_forbids_framing_and_foreign_scripts():
    policy = Client().get("/health").headers["Content-Security-Policy"]

    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
