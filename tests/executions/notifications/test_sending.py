"""Sending, to real servers on loopback: mail, webhooks, Apprise's services; and where the policy says no."""

from __future__ import annotations

import json
import time

import pytest

from errors.exceptions import Invalid
from executions.executors.outbound import HOPS_HEADER, Request
from executions.notifications import sender
from executions.notifications.parcels import Answer, Call, Mail, Push
from tests.executions.executors.http_server import Call as Received
from tests.executions.executors.http_server import serve
from tests.executions.notifications.smtp import mail_server


def ok(call: Received) -> None:
    call.answer(200, b"thanks")


# --- Mail -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def by_smtp(settings):
    """Django's real way to send mail, to a port that is told."""

    def to(port: int) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.MAIL_HOST = settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = port, False, False
        settings.DEFAULT_FROM_EMAIL = "house@example.org"

    return to


def test_mail_is_handed_to_the_mail_server(by_smtp, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "house", "pa55word"
    with mail_server() as server:
        by_smtp(server.port)

        answer = sender.send(Mail(("ops@example.org", "dba@example.org"), "It failed", "Look:\n.\nthere é"))

    assert answer == Answer(True, "Handed to 127.0.0.1 for ops@example.org, dba@example.org")
    ((sent_by, to, text),) = server.letters
    assert (sent_by, to) == ("house@example.org", ["ops@example.org", "dba@example.org"])
    assert "Subject: It failed\n" in text
    assert server.logins == ["house pa55word"]


def test_a_title_cannot_add_headers_or_recipients(by_smtp):
    with mail_server() as server:
        by_smtp(server.port)

        answer = sender.send(Mail(("ops@example.org",), "job\r\nBcc: evil@example.org\r\n\r\nbody", "x\0y"))

    assert answer.ok
    assert server.letters[0][1] == ["ops@example.org"]
    assert "\nBcc:" not in server.letters[0][2]


def test_what_the_mail_server_says_is_the_answer(by_smtp):
    with mail_server(refuses="nobody@example.org") as server:
        by_smtp(server.port)
        refused = sender.send(Mail(("nobody@example.org",), "x", "y"))
    gone = sender.send(Mail(("ops@example.org",), "x", "y"))

    assert refused == Answer(False, "127.0.0.1: refuses nobody@example.org: 550 nobody here of that name")
    assert not gone.ok
    assert "refused" in gone.message


def test_an_owner_address_that_is_none_is_an_answer_and_no_crash(by_smtp):
    with mail_server() as server:
        by_smtp(server.port)
        answer = sender.send(Mail(("a@x.org\r\nBcc: b@x.org",), "x", "y"))

    assert not answer.ok
    assert server.letters == []


def test_without_a_mail_server_the_answer_says_so(settings):
    settings.MAIL_HOST = ""

    assert sender.send(Mail(("ops@example.org",), "x", "y")).message == (
        "No mail server: the setting MAIL_HOST is empty."
    )


# --- Webhooks ---------------------------------------------------------------------------------------------------------
def test_a_webhook_is_called_by_the_houses_own_client(loopback):
    with serve(ok) as server:
        answer = sender.send(Call(Request("POST", server.url("/hook"), body=b"{}")))

    assert answer.ok
    assert answer.message.startswith("200 OK in ")
    assert answer.message.endswith(": thanks")
    assert server.calls[0].headers[HOPS_HEADER] == "1"


def test_the_policy_for_outgoing_calls_holds_for_webhooks(settings):
    settings.OUTBOUND_ALLOW = []
    with serve(ok) as server:
        refused = sender.send(Call(Request("POST", server.url())))
        metadata = sender.send(Call(Request("POST", "http://169.254.169.254/latest/")))

    assert server.calls == []
    assert "loopback address that OUTBOUND_ALLOW does not list" in refused.message
    assert "link-local" in metadata.message


def test_an_answer_that_is_no_success_is_a_failure_free_of_the_addresss_secrets(loopback):
    def echo(call: Received) -> None:
        call.answer(500, f"no {call.path} {call.headers['Authorization']}".encode())

    with serve(echo) as server:
        url = server.url("/hooks/t0psecret?key=an0ther").replace("://", "://user:pa55word@")
        answer = sender.send(Call(Request("POST", url)))

    assert not answer.ok
    assert answer.message.startswith("500 ")
    assert not [word for word in ("t0psecret", "an0ther", "pa55word", "dXNlcjpwYTU1d29yZA") if word in answer.message]


def test_a_webhook_that_never_answers_is_given_up(loopback):
    def sleep(call: Received) -> None:
        time.sleep(1)

    with serve(sleep) as server:
        answer = sender.send(Call(Request("POST", server.url(), timeout=0.3)))

    assert answer == Answer(False, "no complete answer within 0.3 s")


# --- Apprise ----------------------------------------------------------------------------------------------------------
def test_apprise_sends_from_a_process_that_is_gone_afterwards(loopback):
    with serve(ok) as server:
        (answer,) = sender.pushed([Push(f"json://127.0.0.1:{server.port}/t0psecret", "A title", "a body")])

    assert answer.ok
    (call,) = server.calls
    assert json.loads(call.received)["title"] == "A title"
    assert call.path == "/t0psecret"
    assert "t0psecret" not in answer.message


def test_apprise_reaches_nothing_that_the_policy_refuses_by_whatever_name_or_redirect(settings, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    def elsewhere(call: Received) -> None:
        call.answer(302, Location=f"http://127.0.0.1:{inner.port}/inner")

    with serve(ok) as inner, serve(elsewhere) as outer:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{outer.port}"]
        answers = sender.pushed(
            [
                Push(f"json://127.0.0.1:{inner.port}/", "x", "y"),
                Push(f"json://localhost:{inner.port}/", "x", "y"),
                Push(f"json://127.0.0.1:{outer.port}/", "x", "y"),
                Push("ntfy://169.254.169.254/topic", "x", "y"),
            ]
        )

    assert [answer.ok for answer in answers] == [False] * 4
    assert inner.calls == []
    assert len(outer.calls) == 1


def test_a_name_that_outbound_allow_lists_is_reached(settings):
    settings.OUTBOUND_ALLOW = ["localhost"]
    with serve(ok) as server:
        (answer,) = sender.pushed([Push(f"json://localhost:{server.port}/", "x", "y")])

    assert answer.ok


def test_apprise_says_which_part_of_an_address_is_wrong():
    with pytest.raises(Invalid) as refused:
        sender.check("slack://onlyone")
    with pytest.raises(Invalid) as unfinished:
        sender.check("tgram://x")

    assert "invalid Slack" in refused.value.fields["url"][0]
    assert "expected tgram://{bot_token}" in unfinished.value.fields["url"][0]
    sender.check("ntfys://alerts")


def test_a_child_that_runs_out_of_time_is_an_answer(monkeypatch, loopback):
    monkeypatch.setattr(sender, "CHILD_SECONDS", 0.05)

    (answer,) = sender.pushed([Push("json://127.0.0.1:1/", "x", "y")])

    assert not answer.ok
    assert "within 0.05 s" in answer.message
