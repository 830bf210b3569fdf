"""What the http executor does for jobs that come from Dkron: redirects, plain bodies, TLS files, text before it all."""

from __future__ import annotations

import ssl

import pytest
from jsonschema import Draft202012Validator

from executions.executors import outbound
from executions.executors.http import HttpExecutor
from executions.executors.http_request import build
from tests.executions.executors.http_server import Call, serve
from tests.executions.executors.test_http import failure, hello, run
from tests.executions.executors.test_outbound import LOOPBACK, answers, certified, fetch  # noqa: F401 -- a fixture

ANY = ["100-599"]


def redirecting(call: Call) -> None:
    if call.path == "/old":
        call.answer(302, Location="/new")
    else:
        call.answer(500, b"arrived")


def test_redirects_are_followed_where_any_status_will_do():
    with serve(redirecting) as server:
        answer, output = run(server.url("/old"), expected_status=ANY, follow_redirects=True, body_only=True)

    assert ("failure" in answer, answer["status"], output) == (False, 500, b"arrived")


def test_an_expected_redirect_is_still_the_answer_unless_it_is_said():
    with serve(redirecting) as server:
        answer, _ = run(server.url("/old"), expected_status=ANY)

    assert answer["status"] == 302


def test_redirects_are_not_followed_where_that_is_said():
    with serve(redirecting) as server:
        answer, _ = run(server.url("/old"), follow_redirects=False)

    assert answer["status"] == 302


def test_a_preface_stands_before_the_answer_and_before_a_failure():
    with serve(hello) as server:
        _, output = run(server.url(), preface="first\nsecond", body_only=True)
        assert output == b"first\nsecond\nhello world"
    _, output = run(server.url(), preface="first")
    assert output == b"first\n"


def test_nothing_is_filled_in_where_values_are_literal():
    asked = {"url": "http://x/$INPUT_A", "headers": {"X-A": "${INPUT_A}"}, "body": '{"a": "$INPUT_A"}'}

    request = build({**asked, "literal": True}, {"a": "1"})

    assert (request.url, request.headers["X-A"], request.body) == (
        "http://x/$INPUT_A",
        "${INPUT_A}",
        b'{"a": "$INPUT_A"}',
    )


@pytest.fixture
def files(certified, tmp_path):  # noqa: F811 -- a fixture
    """A server's certificate, which also vouches for itself, and its key, in files of their own."""
    whole = (tmp_path / "server.pem").read_text()
    cut = whole.index("-----BEGIN CERTIFICATE")
    (tmp_path / "key.pem").write_text(whole[:cut])
    (tmp_path / "certificate.pem").write_text(whole[cut:])
    return tmp_path


def test_a_server_is_trusted_by_a_file_of_roots(certified, files, monkeypatch):  # noqa: F811 -- a fixture
    monkeypatch.delenv("SSL_CERT_FILE")
    roots = outbound.Certificates(roots=str(files / "certificate.pem"))
    with serve(hello, tls=certified) as server:
        url = server.url(host="good.example")
        with pytest.raises(outbound.OutboundError, match="not accepted"):
            fetch(outbound.Request("GET", url), allow=LOOPBACK, resolve=answers("127.0.0.1"))
        request = outbound.Request("GET", url, certificates=roots)
        response = fetch(request, allow=LOOPBACK, resolve=answers("127.0.0.1"))

    assert response.status == 200


def test_a_server_that_wants_to_know_who_calls_is_shown_a_certificate(certified, files):  # noqa: F811 -- a fixture
    seen = []
    certified.verify_mode = ssl.CERT_REQUIRED
    certified.load_verify_locations(files / "certificate.pem")

    def reply(call: Call) -> None:
        seen.append(call.connection.getpeercert()["subject"][0][0][1])
        call.answer(200)

    own = outbound.Certificates(str(files / "certificate.pem"), str(files / "key.pem"))
    both = outbound.Certificates(str(files / "server.pem"))
    with serve(reply, tls=certified) as server:
        for certificates in (own, both):
            request = outbound.Request("GET", server.url(host="good.example"), certificates=certificates)
            assert fetch(request, allow=LOOPBACK, resolve=answers("127.0.0.1")).status == 200
        with pytest.raises(outbound.OutboundError):
            fetch(outbound.Request("GET", request.url), allow=LOOPBACK, resolve=answers("127.0.0.1"))

    assert seen == ["good.example", "good.example"]


@pytest.mark.parametrize("name", ["tls_roots", "tls_certificate"])
def test_files_that_cannot_be_used_are_a_failure_that_shows_nothing_of_them(tmp_path, name):
    path = tmp_path / "x.pem"
    path.write_text("not a certificate, but hidden words")

    for place in (path, tmp_path / "missing"):
        error, message = failure("https://127.0.0.1:9/", **{name: str(place)})
        assert error == "algorithm-unknown"
        assert "hidden" not in message


def test_the_schema_wants_whole_paths():
    schema = Draft202012Validator(HttpExecutor.configuration_schema)

    assert schema.is_valid({"url": "https://x/", "tls_roots": "/etc/ca.pem"})
    assert not schema.is_valid({"url": "https://x/", "tls_roots": "ca.pem"})
