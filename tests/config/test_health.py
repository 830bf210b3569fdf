"""The health pages are honest, need no token and tell no secrets; the metrics count what stands in the database."""

from __future__ import annotations

import time
from concurrent.futures import TimeoutError as TookTooLong
from datetime import timedelta
from threading import Event

import pytest
from django.test import Client
from django.utils import timezone

from config import health
from executions.models import House, Worker
from tests.config.callers import caller

SECOND = timedelta(seconds=1)


def working_house(tick_ago: timedelta = SECOND, looked_ago: timedelta = SECOND) -> None:
    now = timezone.now()
    House.objects.update_or_create(id=1, defaults={"last_tick": now - tick_ago})
    Worker.objects.create(name="one", host="here", pid=1, last_looked=now - looked_ago)


def ready() -> tuple[int, dict]:
    answer = Client().get("/health/ready")
    return answer.status_code, answer.json()


def test_a_living_process_says_so_without_asking_anything():
    assert Client().get("/health").json() == {"status": "healthy"}
    assert Client().get("/health/live").status_code == 200
    assert Client().post("/health").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_house_at_work_is_ready():
    working_house()

    status, answer = ready()

    assert status == 200
    assert answer["status"] == "ok"
    assert set(answer["checks"]) == {"database", "migrations", "scheduler", "worker", "broker"}


@pytest.mark.django_db(transaction=True)
def test_a_house_that_never_started_is_not_ready():
    status, answer = ready()

    assert status == 503
    assert answer["checks"]["scheduler"]["status"] == answer["checks"]["worker"]["status"] == "failing"
    assert answer["checks"]["database"]["status"] == "ok"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("tick", "looked", "failing"),
    [(31, 1, "scheduler"), (1, 31, "worker"), (28, 28, None)],
)
def test_a_scheduler_or_worker_silent_for_thirty_seconds_fails_readiness(tick, looked, failing):
    working_house(tick * SECOND, looked * SECOND)

    status, answer = ready()

    assert status == (503 if failing else 200)
    assert [name for name, check in answer["checks"].items() if check["status"] == "failing"] == (
        [failing] if failing else []
    )


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_stopped_does_not_count():
    working_house()
    Worker.objects.update(stopped=timezone.now())

    assert ready()[0] == 503


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_degrades_the_house_and_does_not_fail_it(settings, monkeypatch):
    working_house()
    settings.IS_EMBEDDED_BROKER = False
    monkeypatch.setattr(health, "_broker", health.Broker())
    monkeypatch.setattr(health.current_app.conf, "broker_url", "amqp://guest:sesame@127.0.0.1:1//")

    status, answer = ready()

    assert status == 200
    assert answer["status"] == answer["checks"]["broker"]["status"] == "degraded"
    assert "sesame" not in str(answer)


@pytest.mark.rabbitmq
def test_a_broker_that_answers_is_well(settings, monkeypatch, rabbitmq_url):
    settings.IS_EMBEDDED_BROKER = False
    monkeypatch.setattr(health.current_app.conf, "broker_url", rabbitmq_url)

    assert health.Broker().check().status == "ok"


def test_a_database_that_hangs_costs_a_caller_the_limit_and_one_thread():
    released = Event()
    hanging = health.Bounded(released.wait, seconds=0.05)
    started = time.monotonic()

    try:
        for _ in range(3):
            with pytest.raises(TookTooLong):
                hanging.ask()
        assert health.database_checks(hanging)["database"].status == "failing"
        assert time.monotonic() - started < 5
    finally:
        released.set()


@pytest.mark.django_db
def test_the_metrics_need_a_reader():
    assert Client().get("/metrics").status_code == 401
    assert caller(None).get("/metrics").status_code == 403


@pytest.mark.django_db
def test_the_metrics_are_in_prometheus_text_whatever_a_scraper_prefers():
    working_house()

    answer = caller("reader").get("/metrics", HTTP_ACCEPT="application/openmetrics-text;version=1.0.0")

    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'jobhouse_executions{state="queued"} 0.0' in text
    assert "jobhouse_workers 1.0" in text
    assert "jobhouse_worker_slots 16.0" in text
    assert "jobhouse_scheduler_lag_seconds" in text
