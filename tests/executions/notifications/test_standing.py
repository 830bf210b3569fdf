"""What Dkron's server-wide settings have sent: after every run and before it, with its templates."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core import mail

from executions.models import OutputChunk
from executions.notifications import interest, outbox
from executions.notifications.models import NotificationDelivery
from tests.builders import MINUTE, NOON, a_job, a_worker
from tests.executions.acts import BAD, ask, loaded, run
from tests.executions.executors.http_server import serve
from tests.executions.notifications.told import deliveries, tries

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(settings):
    """The settings, as a start with these variables would have read them."""

    def to(**values: Any) -> None:
        settings.NOTIFY_EVERY_RUN = {**settings.NOTIFY_EVERY_RUN, **values}
        interest.reload()

    return to


def nightly(*, error: str | None = None, **fields: Any):
    execution = run(ask(a_job("nightly", **fields)), a_worker("node-1"), error=error)
    OutputChunk.objects.create(execution=execution, seq=1, lines=1, time=NOON, stream="stdout", text="hello\n")
    return loaded(execution)


def send() -> None:
    deliveries(NOON)
    outbox.send_due(NOON + MINUTE)


# --- Mail -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def by_mail(told, settings):
    settings.MAIL_HOST = settings.EMAIL_HOST = "mail.example.org"
    return lambda **values: told(mail=True, mail_subject_prefix="[Dkron]", **values)


def test_the_owner_gets_mail_after_every_run_with_the_output(by_mail):
    by_mail()

    nightly(owner_email="owner@example.org")
    nightly_again = a_job("weekly", owner_email="owner@example.org")
    run(ask(nightly_again), a_worker("node-2"), error=BAD)
    send()

    first, second = mail.outbox
    assert (first.subject, first.to) == ("[Dkron]Success nightly execution report", ["owner@example.org"])
    assert first.body == "hello\n"
    assert second.subject == "[Dkron]Failed weekly execution report"


def test_without_an_owners_address_there_is_no_mail(by_mail):
    by_mail()

    nightly()
    send()

    assert mail.outbox == []
    assert not NotificationDelivery.objects.exists()


def test_the_text_of_the_mail_is_the_template_filled_in(by_mail):
    by_mail(mail_payload="{{ .JobName }} on {{ .NodeName }}: {{ .Success }}\n{{ .Report }}")

    execution = nightly(owner_email="owner@example.org")
    send()

    body = mail.outbox[0].body
    assert body.startswith("nightly on node-1: true\nExecuted: nightly\nReporting node: ")
    assert "Start time: 2026-11-21 12:00:00 +0000 UTC\nEnd time: 2026-11-21 12:00:01 +0000 UTC\n" in body
    assert f"Output: hello\n\nExecution group: {execution.group}\n" in body
    began, over = "2026-11-21 12:00:00 +0000 UTC", "2026-11-21 12:00:01 +0000 UTC"
    assert body.endswith(f"\t[Node]: node-1 [Start]: {began} [End]: {over} [Success]: true\n")


# --- Webhooks ---------------------------------------------------------------------------------------------------------
def test_webhooks_are_called_before_and_after_every_run(told, settings):
    settings.OUTBOUND_ALLOW = []  # whoever sets the house up has allowed this address by naming it
    with serve(lambda call: call.answer(200)) as server:
        told(
            pre_webhook_endpoint=server.url("/pre"),
            pre_webhook_payload="token\n{{ .JobName }}",
            pre_webhook_headers=(("X-When", "before"),),
            webhook_endpoint=server.url("/post"),
            webhook_payload="token\n{{ .JobName }}\n{{ .Success }}",
            webhook_headers=(("Host", "hooks.example.org"), ("X-Time", "12:30:00")),
        )
        nightly(error=BAD)
        send()

    before, after = sorted(server.calls, key=lambda call: call.path, reverse=True)
    assert (before.path, before.received, before.headers["X-When"]) == ("/pre", b"token\nnightly", "before")
    assert (after.path, after.received) == ("/post", b"token\nnightly\nfalse")
    assert after.headers["Host"] == "hooks.example.org"
    assert after.headers["X-Time"] == "12:30:00"


def test_a_webhook_needs_endpoint_and_payload(told):
    told(webhook_endpoint="http://127.0.0.1:1/", pre_webhook_payload="x")

    nightly()

    assert deliveries() == []


def test_the_answer_of_such_a_webhook_is_ignored(told):
    with serve(lambda call: call.answer(404)) as server:
        told(webhook_endpoint=server.url(), webhook_payload="x")
        nightly()
        send()

    ((outcome, message),) = tries()
    assert outcome == "sent"
    assert message.startswith("404 ")


def test_a_wrong_template_is_sent_as_what_is_wrong_with_it(told):
    with serve(lambda call: call.answer(200)) as server:
        told(webhook_endpoint=server.url(), webhook_payload="{{ .Nothing }}")
        nightly()
        send()

    assert server.calls[0].received.startswith(b"Failed to execute template: template: report:1:")


def test_cronitor_hears_of_starts_and_ends(told):
    with serve(lambda call: call.answer(200)) as server:
        told(cronitor_endpoint=server.url("/p/key"))
        execution = nightly(error=BAD)
        send()

    began, ended = sorted(call.path for call in server.calls)[::-1]
    assert began.startswith("/p/key/nightly?host=node-1&message=Job+run+by")
    assert began.endswith(f"&series={execution.pk}&state=run")
    assert ended.endswith(f"&series={execution.pk}&state=fail")


RECEIVER = """
import os, sys
from wsgiref.simple_server import make_server
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "notifications", "dkron"],
    ROOT_URLCONF="receiver_urls",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}}, ALLOWED_HOSTS=["*"],
    DKRON_TOKEN="s3cret-token", DKRON_NAMESPACE=None, DKRON_SENTRY_CRON_URL=None, SECRET_KEY="x", USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", MIDDLEWARE=[],
)
django.setup()
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from dkron.models import Job
call_command("migrate", verbosity=0)
Job.objects.create(name="nightly", schedule="@daily", command="true")
server = make_server("127.0.0.1", 0, get_wsgi_application())
print(server.server_port, flush=True)
for _ in range(2):
    server.handle_request()
job = Job.objects.get()
print("success", job.last_run_success, job.last_run_date is not None, flush=True)
"""

RECEIVER_URLS = """
from django.urls import include, path
urlpatterns = [path("dkron/", include("dkron.urls")), path("", include("dkron.urls_api"))]
"""


def test_django_dkrons_own_receiver_understands_our_webhooks(told, tmp_path):
    (tmp_path / "receiver_urls.py").write_text(RECEIVER_URLS)
    receiver = subprocess.Popen(
        [sys.executable, "-c", RECEIVER, str(tmp_path / "dkron.sqlite3")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DATABASE_"))},
    )
    try:
        assert receiver.stdout
        port = receiver.stdout.readline().strip()
        assert port
        told(
            pre_webhook_endpoint=f"http://127.0.0.1:{port}/pre-webhook/",
            pre_webhook_payload="s3cret-token\n{{ .JobName }}",
            webhook_endpoint=f"http://127.0.0.1:{port}/webhook/",
            webhook_payload="s3cret-token\n{{ .JobName }}\n{{ .Success }}",
        )
        nightly()
        send()

        assert [message.split(" in ")[0] for _, message in tries()] == ["200 OK", "200 OK"]
        assert receiver.stdout.readline() == "success True True\n"
    finally:
        receiver.kill()
        receiver.communicate()
