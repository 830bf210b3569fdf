"""Targets, rules and the log in the console, with the button that sends a test; and the same at a shell."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from executions.notifications.models import NotificationRule, NotificationTarget
from tests.builders import a_job, a_user
from tests.executions.executors.http_server import serve
from tests.executions.notifications.told import a_rule, a_target

pytestmark = pytest.mark.django_db

TARGET, RULE = "admin:executions_notificationtarget_", "admin:executions_notificationrule_"


def browser(role: str = "editor") -> Client:
    user = a_user(role)
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


# --- Pages ------------------------------------------------------------------------------------------------------------
def test_a_target_is_made_and_changed_in_the_console_and_its_address_is_not_shown():
    editor = browser()
    made = editor.post(reverse(f"{TARGET}add"), {"name": "hook", "address": "https://hooks.example.org/t0ken"})
    target = NotificationTarget.objects.get(name="hook")
    page = reverse(f"{TARGET}change", args=[target.pk])

    shown = editor.get(page).content.decode() + editor.get(reverse(f"{TARGET}changelist")).content.decode()
    kept = editor.post(page, {"name": "hooks", "address": "https://hooks.example.org/********"})

    assert made.status_code == kept.status_code == 302
    assert "https://hooks.example.org/********" in shown
    assert "t0ken" not in shown
    target.refresh_from_db()
    assert (target.name, target.url) == ("hooks", {"url": "https://hooks.example.org/t0ken"})


def test_what_is_wrong_stands_beside_its_field():
    a_target("taken")
    editor = browser()

    answer = editor.post(reverse(f"{TARGET}add"), {"name": "x", "address": "gopher://x"})
    twice = editor.post(reverse(f"{TARGET}add"), {"name": "taken", "address": "a@x.org"})
    rule = editor.post(reverse(f"{RULE}add"), {"event": "late", "target": NotificationTarget.objects.get().pk})

    assert "has the scheme gopher" in answer.context["adminform"].form.errors["address"][0]
    assert "another target" in twice.context["adminform"].form.errors["name"][0]
    assert "is required for late" in rule.context["adminform"].form.errors["late_after"][0]
    assert NotificationTarget.objects.count() == 1


def test_a_rule_is_made_and_changed_in_the_console():
    target, editor = a_target("ops"), browser()
    a_job("nightly")
    form = {"event": "failure", "target": target.pk, "job": "nightly", "is_enabled": "on"}
    made = editor.post(reverse(f"{RULE}add"), form)
    rule = NotificationRule.objects.get()
    page = reverse(f"{RULE}change", args=[rule.pk])
    assert 'value="nightly"' in editor.get(page).content.decode()

    changed = editor.post(page, {**form, "job": "", "label": "team=data"})

    assert made.status_code == changed.status_code == 302
    rule.refresh_from_db()
    assert (rule.job, rule.label_key, rule.label_value) == (None, "team", "data")
    assert rule.created_by.startswith("editor")


def test_the_button_sends_a_test_by_post_to_who_may_edit(loopback):
    editor, reader = browser(), browser("reader")
    with serve(lambda call: call.answer(200)) as server:
        target = a_target("hook", server.url())
        button = reverse(f"{TARGET}do", args=[target.pk, "test"])

        assert editor.get(button).status_code == 405
        assert reader.post(button).status_code == 403
        assert server.calls == []
        sent = editor.post(button, follow=True)

    failed = editor.post(button, follow=True)
    assert len(server.calls) == 1
    assert "A test was sent to hook: 200 OK" in sent.content.decode()
    assert "The test was not sent" in failed.content.decode()


def test_a_reader_sees_everything_and_changes_nothing():
    rule = a_rule("failure", a_target("ops", "https://hooks.example.org/t0ken"))
    reader = browser("reader")
    pages = [
        reverse(f"{TARGET}changelist"),
        reverse(f"{TARGET}change", args=[rule.target_id]),
        reverse(f"{RULE}changelist"),
        reverse(f"{RULE}change", args=[rule.pk]),
        reverse("admin:executions_notificationtry_changelist"),
    ]

    answers = [reader.get(page) for page in pages]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert "t0ken" not in "".join(answer.content.decode() for answer in answers)
    assert reader.get(reverse(f"{RULE}add")).status_code == 403
    assert reader.post(reverse(f"{RULE}delete", args=[rule.pk]), {"post": "yes"}).status_code == 403


def test_deleting_goes_through_the_services():
    rule, editor = a_rule("failure"), browser()

    editor.post(reverse(f"{TARGET}delete", args=[rule.target_id]), {"post": "yes"})
    assert NotificationTarget.objects.count() == 1
    editor.post(reverse(f"{RULE}delete", args=[rule.pk]), {"post": "yes"})
    editor.post(reverse(f"{TARGET}delete", args=[rule.target_id]), {"post": "yes"})

    assert not NotificationRule.objects.exists()
    assert not NotificationTarget.objects.exists()


# --- Shell ------------------------------------------------------------------------------------------------------------
def notify(*words: str) -> str:
    out = StringIO()
    call_command("notify", *words, stdout=out)
    return out.getvalue()


def test_notify_test_says_what_came_of_it(loopback):
    with serve(lambda call: call.answer(200, b"thanks")) as server:
        a_target("hook", server.url())
        assert notify("test", "hook").startswith("sent: 200 OK in ")
    with pytest.raises(SystemExit) as ended:
        notify("test", "hook", "--json")

    assert ended.value.code == 1
    assert [row["outcome"] for row in json.loads(notify("log", "--json"))] == ["failed", "sent"]
    assert "thanks" in notify("log")
    assert notify("log", "--target", "other") == "Nothing was sent.\n"


def test_notify_test_of_nobody_names_those_that_there_are():
    a_target("ops")

    with pytest.raises(CommandError, match=r"No target named 'opps'\. There are: ops\."):
        notify("test", "opps")


def test_rotate_keys_covers_the_addresses_of_targets(settings):
    target = a_target("hook", "https://hooks.example.org/t0ken")
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]
    out = StringIO()

    call_command("rotate_keys", stdout=out)

    assert "Secrets of notification targets: 1 encrypted anew." in out.getvalue()
    settings.ENCRYPTION_KEYS = [new]
    assert NotificationTarget.objects.get(pk=target.pk).url == {"url": "https://hooks.example.org/t0ken"}


def test_an_address_that_no_key_opens_can_be_replaced(settings):
    target, editor = a_target("hook", "https://hooks.example.org/t0ken"), browser()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    page = reverse(f"{TARGET}change", args=[target.pk])

    assert editor.get(page).status_code == 200
    assert editor.post(page, {"name": "hook", "address": "ops@example.org"}).status_code == 302

    assert NotificationTarget.objects.get(pk=target.pk).url == {"url": "mailto:ops@example.org"}
