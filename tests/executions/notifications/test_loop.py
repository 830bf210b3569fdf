"""The thread that does it all, in a process that records events and sends them by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from django.utils import timezone

from executions.notifications import loop, sender
from executions.notifications.models import NotificationDelivery, NotificationTry
from tests.builders import a_job, a_worker
from tests.config.houses import ROOT, wait_until
from tests.executions.acts import BAD, ask, run
from tests.executions.executors.http_server import serve
from tests.executions.notifications.told import a_rule, a_target, tries


@pytest.fixture
def notifying(transactional_db, loopback):
    loop.start()
    yield
    loop.stop()


def fails(name: str = "nightly") -> None:
    now = timezone.now()
    run(ask(a_job(name, now=now), now), a_worker(seen=now), now, error=BAD)


@pytest.mark.django_db(transaction=True)
def test_what_this_process_records_it_sends_within_a_moment(notifying):
    with serve(lambda call: call.answer(200)) as server:
        a_rule("failure", a_target("hook", server.url()))
        begun = time.monotonic()
        fails()
        wait_until(lambda: tries() and tries()[0][0] == "sent", 10, "it was sent")

    assert time.monotonic() - begun < 5
    assert len(server.calls) == 1


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_hangs_holds_up_no_other_message(notifying, monkeypatch):
    def hang(call) -> None:
        time.sleep(3)
        call.answer(200)

    with serve(hang) as slow, serve(lambda call: call.answer(200)) as quick:
        a_rule("failure", a_target("slow", slow.url()))
        a_rule("failure", a_target("quick", quick.url()))
        fails()
        sent = NotificationDelivery.objects.filter(target_name="quick", outcome="sent")
        wait_until(sent.exists, 2.5, "the other one was sent")
        assert NotificationDelivery.objects.get(target_name="slow").outcome == "waiting"
        loop.stop()  # what is being sent may end, and is recorded
        loop.start()

    assert NotificationDelivery.objects.get(target_name="slow").outcome == "sent"


@pytest.mark.django_db(transaction=True)
def test_messages_by_apprise_go_together_in_one_process(notifying, monkeypatch):
    batches = []
    pushed = sender.pushed
    monkeypatch.setattr(sender, "pushed", lambda pushes: batches.append(len(pushes)) or pushed(pushes))
    with serve(lambda call: call.answer(200)) as server:
        for number in range(3):
            a_rule("failure", a_target(f"hook-{number}", f"json://127.0.0.1:{server.port}/{number}"))
        fails()
        wait_until(lambda: NotificationTry.objects.filter(outcome="sent").count() == 3, 60, "all were sent")

    assert sum(batches) == 3
    assert len(batches) < 3


def test_a_notifier_that_meets_an_error_goes_on(monkeypatch):
    turns = []

    def broken(self, now) -> None:
        turns.append(now)
        raise RuntimeError("a bug")

    monkeypatch.setattr(loop.Notifier, "turn", broken)
    monkeypatch.setattr(loop.clock, "now", timezone.now)
    notifier = loop.Notifier()
    notifier.start()
    wait_until(lambda: turns, 5, "a turn")

    assert notifier._thread.is_alive()
    notifier.stop()
    assert not notifier._thread.is_alive()


def settings_from(**environment: str) -> subprocess.CompletedProcess[str]:
    code = (
        "from django.conf import settings as s; import json; print(json.dumps([s.EMAIL_HOST, s.EMAIL_PORT, "
        "s.EMAIL_USE_TLS, s.EMAIL_USE_SSL, s.DEFAULT_FROM_EMAIL, s.NOTIFY_EVERY_RUN]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_settings_are_read_in_our_names_and_in_dkrons():
    ours = settings_from(MAIL_HOST="mail.x.org", MAIL_PORT="587", MAIL_FROM="house@x.org").stdout
    dkrons = settings_from(
        DKRON_MAIL_HOST="mail.y.org",
        DKRON_MAIL_PORT="465",
        DKRON_MAIL_SUBJECT_PREFIX="[Y]",
        DKRON_WEBHOOK_ENDPOINT="http://hooks.y.org/x",
        DKRON_WEBHOOK_PAYLOAD="{{ .JobName }}",
        DKRON_WEBHOOK_HEADERS="X-Token: a:b\nHost: z.org",
    ).stdout

    assert ours.startswith('["mail.x.org", 587, true, false, "house@x.org"')
    assert '"mail": false' in ours
    assert dkrons.startswith('["mail.y.org", 465, false, true')
    assert '"webhook_headers": [["X-Token", "a:b"], ["Host", "z.org"]]' in dkrons
    assert '"mail": true' in dkrons
    assert '"mail_subject_prefix": "[Y]"' in dkrons


@pytest.mark.parametrize(
    "wrong", [{"DKRON_WEBHOOK_ENDPOINT": "hooks.y.org"}, {"MAIL_TLS": "ssl3"}, {"DKRON_WEBHOOK_HEADERS": "[1"}]
)
def test_a_wrong_setting_stops_the_start_and_is_named(wrong):
    answer = settings_from(**wrong)

    assert answer.returncode != 0
    assert next(iter(wrong)) in answer.stderr
