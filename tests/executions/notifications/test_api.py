"""`/v6/notifications/…`: targets, rules, the log; who may do what; and what is never shown."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.notifications import outbox
from executions.notifications.models import NotificationRule, NotificationTarget
from tests.builders import NOON, a_client, a_job, a_worker
from tests.executions.acts import BAD, ask, run
from tests.executions.executors.http_server import serve
from tests.executions.notifications.told import a_rule, a_target, deliveries

pytestmark = pytest.mark.django_db

TARGETS, RULES, LOG = "/v6/notifications/targets/", "/v6/notifications/rules/", "/v6/notifications/log/"
HOOK = "https://user:pa55word@hooks.example.org/t0ken?key=v4lue"
SECRETS = ("pa55word", "t0ken", "v4lue")


@pytest.fixture
def editor():
    return a_client("editor", "eve")


@pytest.fixture
def reader():
    return a_client("reader")


# --- Targets ----------------------------------------------------------------------------------------------------------
def test_a_target_is_made_shown_changed_and_deleted_and_never_tells_its_address(editor, reader):
    made = editor.post(TARGETS, {"name": "hook", "url": HOOK})
    assert made.status_code == 201
    assert made.json()["url"] == "https://hooks.example.org/********"
    assert made.json()["created_by"] == "eve"
    where = made.headers["Location"]

    renamed = editor.patch(where, {"name": "hooks", "url": "https://hooks.example.org/********"})
    shown = reader.get(where)
    listed = reader.get(TARGETS)

    assert (renamed.status_code, shown.json()["name"]) == (200, "hooks")
    assert listed.json()["results"] == [shown.json()]
    assert NotificationTarget.objects.get().url == {"url": HOOK}
    told = "".join(answer.content.decode() for answer in (made, renamed, shown, listed, reader.get("/v6/audit/")))
    assert not [secret for secret in SECRETS if secret in told]
    assert editor.delete(where).status_code == 204
    assert reader.get(where).status_code == 404


def test_the_address_is_encrypted_at_rest(editor):
    editor.post(TARGETS, {"name": "hook", "url": HOOK})

    with connection.cursor() as cursor:
        cursor.execute("SELECT url, address FROM executions_notificationtarget")
        stored = json.dumps(cursor.fetchall())
    assert not [secret for secret in SECRETS if secret in stored]


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"name": "x"}, "url", "required"),
        ({"name": "x", "url": "gopher://x"}, "url", "has the scheme gopher"),
        ({"name": "x", "url": "slack://onlyone"}, "url", "invalid Slack"),
        ({"name": "x", "url": "https://hooks.example.org/********"}, "url", "send the whole address"),
        ({"name": "settings: webhook", "url": "a@x.org"}, "name", "must not begin"),
        ({"name": "a\nb", "url": "a@x.org"}, "name", "can be seen"),
        ({"name": "  ", "url": "a@x.org"}, "name", "blank"),
        ({"name": "taken", "url": "a@x.org"}, "name", "another target"),
        ({"name": 5, "url": "a@x.org"}, "name", "string"),
        ({"name": "x", "url": ["a@x.org"]}, "url", "string"),
        ({"name": "n" * 1_000, "url": "a@x.org"}, "name", "128"),
        ({"name": "x", "url": "https://x.org/" + "a" * 10_000}, "url", "2000"),
        ({"name": "x", "url": "a@x.org", "address": "b@x.org"}, "address", "Unknown field"),
    ],
)
def test_a_wrong_target_is_refused_by_field(editor, body, field, says):
    a_target("taken")

    answer = editor.post(TARGETS, body)

    assert answer.status_code == 400
    assert says in str(answer.json()[field])
    assert NotificationTarget.objects.count() == 1


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0@x.org"])
def test_characters_that_cannot_be_stored_are_refused(editor, text):
    for body in ({"name": text, "url": "a@x.org"}, {"name": "x", "url": text}):
        answer = editor.post(TARGETS, json.dumps(body), content_type="application/json")
        assert answer.status_code == 400


def test_a_target_that_rules_send_to_stays(editor):
    rule = a_rule("failure")

    answer = editor.delete(f"{TARGETS}{rule.target_id}/")

    assert answer.status_code == 409
    assert "Rules send to this target" in answer.json()["detail"]


def test_a_test_is_sent_at_once_and_its_answer_shown_and_logged(editor, reader, loopback):
    with serve(lambda call: call.answer(200, b"thanks")) as server:
        target = a_target("hook", server.url("/t0psecret"))
        sent = editor.post(f"{TARGETS}{target.pk}/test/", {})
    gone = editor.post(f"{TARGETS}{target.pk}/test/", {})

    assert json.loads(server.calls[0].received)["event"] == "test"
    assert (sent.status_code, sent.json()["outcome"]) == (200, "sent")
    assert sent.json()["message"].endswith("thanks")
    assert (gone.json()["outcome"], gone.json()["next_try"]) == ("failed", None)
    log = reader.get(LOG).json()["results"]
    assert [(row["event"], row["target"], row["outcome"]) for row in log] == [
        ("test", "hook", "failed"),
        ("test", "hook", "sent"),
    ]


def test_who_may_not_edit_may_not_test_either(reader):
    target = a_target()

    assert reader.post(f"{TARGETS}{target.pk}/test/", {}).status_code == 403
    assert a_client("executor").post(TARGETS, {"name": "x", "url": "a@x.org"}).status_code == 403
    assert a_client("executor").post(RULES, {"event": "failure", "target": target.name}).status_code == 403


# --- Rules ------------------------------------------------------------------------------------------------------------
def test_a_rule_is_made_shown_changed_and_deleted(editor, reader):
    a_target("ops")
    a_job("nightly")
    made = editor.post(RULES, {"event": "late", "job": "nightly", "target": "ops", "late_after": 60})
    assert made.status_code == 201
    where = made.headers["Location"]

    changed = editor.patch(where, {"job": None, "label": {"team": "data"}, "is_enabled": False})

    assert changed.status_code == 200
    shown = reader.get(where).json()
    assert {name: shown[name] for name in ("event", "job", "owner", "label", "target", "late_after", "is_enabled")} == {
        "event": "late",
        "job": None,
        "owner": "",
        "label": {"team": "data"},
        "target": "ops",
        "late_after": 60,
        "is_enabled": False,
    }
    assert reader.get(f"{RULES}?event=late&is_enabled=false").json()["count"] == 1
    assert reader.get(f"{RULES}?event=failure").json()["count"] == 0
    assert editor.delete(where).status_code == 204
    assert not NotificationRule.objects.exists()


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"event": "fire", "target": "ops"}, "event", "not a valid choice"),
        ({"event": ["failure"], "target": "ops"}, "event", "not a valid choice"),
        ({"event": "failure"}, "target", "required"),
        ({"event": "failure", "target": "nobody"}, "target", "no such target"),
        ({"event": "failure", "target": "ops", "job": "nothing"}, "job", "no such job"),
        ({"event": "failure", "target": "ops", "job": "nightly", "owner": "ada"}, "job", "one can be given"),
        ({"event": "failure", "target": "ops", "late_after": 5}, "late_after", "for the event late only"),
        ({"event": "late", "target": "ops"}, "late_after", "is required for late"),
        ({"event": "late", "target": "ops", "late_after": 0}, "late_after", "greater"),
        ({"event": "late", "target": "ops", "late_after": 10**30}, "late_after", "less"),
        ({"event": "failure", "target": "ops", "label": {"a": "b", "c": "d"}}, "label", "At most 1"),
        ({"event": "failure", "target": "ops", "label": {"": "b"}}, "label", "1 to 128"),
        ({"event": "failure", "target": "ops", "is_enabled": "yes"}, "is_enabled", "boolean"),
        ({"event": "failure", "target": "ops", "created_by": "me"}, "created_by", "Unknown field"),
    ],
)
def test_a_wrong_rule_is_refused_by_field(editor, body, field, says):
    a_target("ops")
    a_job("nightly")

    answer = editor.post(RULES, body)

    assert answer.status_code == 400
    assert says in str(answer.json()[field])


def test_what_is_not_there_is_a_404(editor, reader):
    for address in (f"{RULES}99/", f"{TARGETS}99/"):
        assert reader.get(address).status_code == editor.delete(address).status_code == 404
        assert editor.patch(address, {}).status_code == 404
    assert editor.post(f"{TARGETS}99/test/", {}).status_code == 404


# --- The log ----------------------------------------------------------------------------------------------------------
def test_the_log_tells_every_try_and_is_filtered(reader, settings):
    settings.MAIL_HOST = ""
    a_rule("failure", a_target("ops"))
    execution = run(ask(a_job("nightly")), a_worker(), error=BAD)
    deliveries(NOON)
    outbox.send_due(NOON)

    (row,) = reader.get(LOG).json()["results"]

    assert {name: row[name] for name in ("event", "job", "execution", "target", "attempt", "outcome")} == {
        "event": "failure",
        "job": "nightly",
        "execution": execution.pk,
        "target": "ops",
        "attempt": 1,
        "outcome": "failed",
    }
    assert row["time"] == "2026-11-21T12:00:00Z"
    assert row["next_try"] == "2026-11-21T12:00:15Z"
    assert "MAIL_HOST" in row["message"]
    for matching in ("event=failure", "job=nightly", f"execution={execution.pk}", "target=ops", "outcome=failed"):
        assert reader.get(f"{LOG}?{matching}").json()["count"] == 1
    for other in (
        "event=late",
        "job=weekly",
        "execution=0",
        "target=dba",
        "outcome=sent",
        "ended=2020-01-01T00:00:00Z",
    ):
        assert reader.get(f"{LOG}?{other}").json()["count"] == 0
    assert reader.get(f"{LOG}?started=yesterday").status_code == 400


def test_lists_cost_as_many_queries_with_many_rows_as_with_one(reader):
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            reader.get(address)
        return len(asked)

    def one_more(number: int) -> None:
        a_rule("failure", a_target(f"t{number}"), job=a_job(f"job-{number}").name)
        outbox.test(NotificationTarget.objects.get(name=f"t{number}"), NOON)

    one_more(0)
    reader.get(TARGETS)  # notes that the token was used
    few = [queries(address) for address in (TARGETS, RULES, LOG)]
    for number in range(1, 5):
        one_more(number)

    assert [queries(address) for address in (TARGETS, RULES, LOG)] == few
    assert max(few) <= 3
