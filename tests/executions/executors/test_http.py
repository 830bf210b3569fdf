"""The http executor: what it makes of an answer."""

from __future__ import annotations

import io
import time

import pytest
from jsonschema import Draft202012Validator

from executions.executors.addresses import Allowed
from executions.executors.base import Limits, WorkOrder
from executions.executors.http import HttpExecutor, exchange, perform
from executions.executors.process.client import Processes
from jobtypes.interface import validate_configuration
from tests.executions.executors.family_watch import Watched
from tests.executions.executors.http_server import Call, serve

LOOPBACK = Allowed.parse(["127.0.0.1"])


def hello(call: Call) -> None:
    call.answer(200, b"hello world")


def run(url: str, *, allow: Allowed = LOOPBACK, values=None, **configuration):
    """The answer of `exchange` and what it printed."""
    output = io.BytesIO()
    answer = exchange({"url": url, **configuration}, values or {}, allow=allow, output=output)
    return answer, output.getvalue()


def failure(url: str, **more) -> tuple[str, str]:
    answer, _ = run(url, **more)
    return answer["failure"]["error"], answer["failure"]["message"]


def test_status_line_and_body_are_the_output():
    with serve(hello) as server:
        answer, output = run(server.url())

    assert output == b"HTTP/1.0 200 OK\nhello world"
    assert answer.pop("seconds") >= 0
    assert answer == {"status": 200, "bytes": 11}


def test_an_unexpected_status_fails_and_still_shows_the_answer():
    with serve(lambda call: call.answer(503, b"too busy")) as server:
        answer, output = run(server.url())

    assert answer["failure"] == {"error": "algorithm-unknown", "message": "expected status 2xx, got 503"}
    assert answer["status"] == 503
    assert output.endswith(b"too busy")


@pytest.mark.parametrize(
    ("expected", "status", "fits"),
    [
        (["2xx"], 299, True),
        (["2xx"], 300, False),
        ([404], 404, True),
        (["404"], 404, True),
        (["200-204", "4xx"], 204, True),
        (["200-204", "4xx"], 205, False),
        (["200-204", "4xx"], 410, True),
        ([200, 201], 202, False),
    ],
)
def test_expected_status_is_codes_classes_and_ranges(expected, status, fits):
    with serve(lambda call: call.answer(status)) as server:
        answer, _ = run(server.url(), expected_status=expected)

    assert ("failure" not in answer) == fits


def test_a_redirect_that_is_expected_is_not_followed():
    with serve(lambda call: call.answer(301, b"", Location="http://10.0.0.1/")) as server:
        answer, _ = run(server.url(), expected_status=["3xx"])

    assert answer["status"] == 301
    assert "failure" not in answer


def test_the_body_is_searched_for_the_expected_expression():
    with serve(hello) as server:
        found, _ = run(server.url(), expected_body="wor.d$")
        missed = failure(server.url(), expected_body="moon")

    assert "failure" not in found
    assert missed == ("algorithm-unknown", "expected a body that matches moon, and this one does not")


def test_the_body_is_read_in_its_own_character_set():
    body = "état: bon".encode("latin-1")
    with serve(lambda call: call.answer(200, body, Content_Type="text/plain; charset=latin-1")) as server:
        answer, _ = run(server.url(), expected_body="^état")

    assert "failure" not in answer


@pytest.mark.parametrize("charset", ["nonsense", "base64", "idna", "undefined"])
def test_a_strange_character_set_hurts_nobody(charset):
    with serve(lambda call: call.answer(200, b"hello \xff", Content_Type=f"text/plain; charset={charset}")) as server:
        answer, _ = run(server.url(), expected_body="hello")

    assert "failure" not in answer


def test_an_expression_that_is_none_fails_with_the_reason():
    with serve(hello) as server:
        assert failure(server.url(), expected_body="(")[1].startswith(
            "expected_body is no regular expression: missing )"
        )


def test_a_refused_address_fails_and_names_the_setting():
    with serve(hello) as server:
        error, message = failure(server.url(), allow=Allowed())

    assert error == "algorithm-unknown"
    assert message == "127.0.0.1 not reached: a loopback address that OUTBOUND_ALLOW does not list"
    assert server.calls == []


def test_a_slow_answer_is_a_timeout():
    with serve(lambda call: time.sleep(0.5)) as server:
        assert failure(server.url(), timeout=0.2) == ("timeout", "no complete answer within 0.2 s")


def test_a_missing_input_value_is_an_invalid_input():
    error, message = failure("http://127.0.0.1/$INPUT_ID")

    assert (error, message) == ("invalid-input", "the configuration uses INPUT_ID, which the input does not give")


def test_a_line_break_in_an_input_value_cannot_add_a_header():
    with serve(hello) as server:
        error, message = failure(server.url(), headers={"X-A": "$INPUT_A"}, values={"a": "1\r\nX-B: 2"})

    assert error == "algorithm-unknown"
    assert "X-A contains a line break" in message
    assert server.calls == []


def test_what_is_cut_off_is_said():
    with serve(lambda call: call.answer(200, b"x" * (11 * 1024 * 1024))) as server:
        answer, output = run(server.url())

    assert answer["bytes"] == 10 * 1024 * 1024
    assert output.endswith(b"\n[the answer is longer; 10485760 bytes of it were read]\n")


# In the child: the policy of the settings


def test_the_settings_say_what_may_be_reached(settings, capfdbinary):
    with serve(hello) as server, serve(hello, address="127.0.0.2") as house, serve(hello) as neighbour:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.port}"]
        settings.HOUSE_ADDRESS = f"127.0.0.2:{house.port}"

        listed = perform({"url": server.url()}, {})
        own = perform({"url": house.url(host="127.0.0.2")}, {})
        other = perform({"url": neighbour.url()}, {})

    assert (listed["status"], own["status"]) == (200, 200)
    assert "OUTBOUND_ALLOW" in other["failure"]["message"]
    assert capfdbinary.readouterr().out == b"HTTP/1.0 200 OK\nhello world" * 2


# In the worker: from an order to an outcome, by way of a real slot


@pytest.fixture(scope="module")
def runner():
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OUTBOUND_ALLOW", "127.0.0.1")
        with Processes(["executions.executors.http"]) as processes, processes.runner() as runner:
            yield runner


class Slot:
    """A context as the engine offers it."""

    def __init__(self, runner) -> None:
        self.watched = Watched(runner)
        self.limits: Limits | None = None

    def call(self, target, arguments, *, env, limits):
        self.limits = limits
        return self.watched.runner.call(target, arguments, env=env, limits=limits, on_output=self.watched.keep)


@pytest.fixture
def slot(runner):
    return Slot(runner)


def order(limits: Limits | None = None, **configuration) -> WorkOrder:
    limits = limits or Limits(seconds=30)
    return WorkOrder(1, 1, 1, "check", "http", "1.0.0", "http", configuration, {"json": {"id": 7}}, limits=limits)


def test_an_expected_answer_is_a_success_with_its_figures(slot):
    with serve(hello) as server:
        outcome = HttpExecutor().run(order(url=server.url("/$INPUT_ID")), slot)

    assert (outcome.ok, outcome.exit_code, outcome.error) == (True, 0, None)
    assert outcome.outputs["json"].keys() == {"status", "bytes", "seconds"}
    assert slot.watched.said() == b"HTTP/1.0 200 OK\nhello world"
    assert server.calls[0].path == "/7"


def test_an_unexpected_answer_is_a_failure_of_the_job(slot):
    with serve(lambda call: call.answer(500)) as server:
        outcome = HttpExecutor().run(order(url=server.url()), slot)

    assert (outcome.ok, outcome.error, outcome.reason) == (False, "algorithm-unknown", None)
    assert outcome.message == "expected status 2xx, got 500"


def test_a_timeout_of_the_call_is_a_timeout_of_the_run(slot):
    with serve(lambda call: time.sleep(0.5)) as server:
        outcome = HttpExecutor().run(order(url=server.url(), timeout=0.2), slot)

    assert (outcome.ok, outcome.error, outcome.reason) == (False, "timeout", "timeout")
    assert outcome.message == "no complete answer within 0.2 s"


def test_an_expression_that_never_ends_is_ended(slot):
    with serve(lambda call: call.answer(200, b"a" * 40 + b"b")) as server:
        outcome = HttpExecutor().run(order(Limits(seconds=1), url=server.url(), expected_body="(a+)+$"), slot)

    assert (outcome.ok, outcome.error, outcome.reason) == (False, "timeout", "timeout")


def test_a_configuration_that_no_door_checked_is_a_failure_of_the_job(slot):
    outcome = HttpExecutor().run(order(method="GET"), slot)

    assert (outcome.ok, outcome.error) == (False, "algorithm-unknown")


@pytest.mark.parametrize(("limit", "given"), [(3600.0, 15.0), (None, 15.0), (7.0, 7.0)])
def test_the_child_gets_a_little_more_time_than_the_call(slot, limit, given):
    HttpExecutor().run(order(Limits(seconds=limit), url="ftp://example.org", timeout=10), slot)

    assert slot.limits.seconds == given


# What may be configured


def test_the_schema_is_one():
    Draft202012Validator.check_schema(HttpExecutor.configuration_schema)


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"method": "POST", "body": {"a": ["$INPUT_X"]}, "timeout": 0.5, "verify_tls": False},
        {"body": "text", "headers": {"X-A": "1"}, "secret_headers": {"Authorization": "Bearer x"}},
        {"expected_status": [200, "2xx", "200-299", "404"], "expected_body": "^ok"},
    ],
)
def test_a_fitting_configuration_is_taken(good):
    assert validate_configuration(HttpExecutor.configuration_schema, {"url": "https://a/${INPUT_X}", **good}) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"url": "example.org"},
        {"url": 5},
        {"method": "CONNECT"},
        {"headers": {"X A": "1"}},
        {"headers": {"X": 1}},
        {"body": 5},
        {"timeout": 0},
        {"timeout": 3601},
        {"expected_status": []},
        {"expected_status": ["ok"]},
        {"expected_status": [99]},
        {"expected_body": "("},
        {"expected_body": "x" * 201},
        {"proxy": "http://x"},
    ],
)
def test_another_configuration_is_refused(bad):
    assert validate_configuration(HttpExecutor.configuration_schema, {"url": "https://a/", **bad})
