"""What Dkron's maps of texts become here, and how they read back; what of them is secret shows nowhere."""

from __future__ import annotations

import json

import pytest

from config.dialects.dkron.executors import Said, translate
from executions.executors import executors
from jobs.models import Job
from jobtypes.interface import validate_configuration
from jobtypes.secrets import MASK
from tests.dialects.dkron.acts import job, shown, store

SECRET = "swordfish-4711"


def told(executor: str, **config: str):
    return translate(Said(executor, config), "job1")


def configuration(executor: str, **config: str) -> dict:
    return told(executor, **config).configuration


def test_a_shell_job_takes_over_every_setting():
    made = configuration(
        "shell",
        command="echo $HOME; x",
        env="A=1,B=x=y,broken,C=",
        cwd="/tmp",
        timeout="1m30s",
        mem_limit="1.5GB",
        payload="aGVsbG8=",
        su="nobody:nogroup",
    )

    assert made == {
        "command": "echo $HOME; x",
        "literal": True,
        "env": {"A": "1", "B": "x=y", "C": "", "ENV_JOB_NAME": "job1"},
        "cwd": "/tmp",
        "timeout": 90.0,
        "memory_limit": 1536,
        "stdin_base64": "aGVsbG8=",
        "user": "nobody:nogroup",
    }
    assert validate_configuration(executors()["shell"].configuration_schema, made) == []
    assert told("shell", command="x", timeout="1m30.2s").timeout == 91


@pytest.mark.parametrize(
    ("shell", "is_one"), [("true", True), ("1", True), ("t", True), ("T", True), ("false", False), ("yes", False)]
)
def test_shell_is_a_boolean_as_go_reads_it(shell, is_one):
    made = configuration("shell", command="x", shell=shell)

    assert (made.get("shell", False), made.get("literal", False)) == (is_one, not is_one)


def test_an_http_job_takes_over_every_setting():
    made = configuration(
        "http",
        method="post",
        url="https://example.org/x",
        headers='["Content-Type: text/plain", "X-Token: a:b"]',
        body="$INPUT_X",
        timeout="10",
        expectCode="200, 206",
        expectBody="^ok",
        tlsNoVerifyPeer="true",
        tlsCertificateFile="/c.pem",
        tlsCertificateKeyFile="/k.pem",
        tlsRootCAsFile="/r.pem",
    )

    assert made == {
        "method": "POST",
        "url": "https://example.org/x",
        "headers": {"Content-Type": "text/plain"},
        "secret_headers": {"X-Token": "a:b"},
        "body": "$INPUT_X",
        "timeout": 10,
        "expected_status": [200, 206],
        "expected_body": "^ok",
        "verify_tls": False,
        "tls_certificate": "/c.pem",
        "tls_key": "/k.pem",
        "tls_roots": "/r.pem",
        "follow_redirects": True,
        "literal": True,
        "body_only": True,
    }
    assert validate_configuration(executors()["http"].configuration_schema, made) == []


def test_without_a_code_every_answer_is_expected():
    assert configuration("http", method="GET", url="http://x/")["expected_status"] == ["100-599"]


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"headers": "X: y"}, "headers: this is no JSON list"),
        ({"headers": '{"X": "y"}'}, "headers: this is no JSON list"),
        ({"headers": '["no colon"]'}, "without a colon"),
        ({"timeout": "soon"}, "timeout 'soon' is no number of seconds: 30 s"),
        ({"debug": "yes"}, '"debug": "yes"'),
    ],
)
def test_what_dkron_only_warns_about_stands_before_the_answer(config, word):
    made = configuration("http", method="GET", url="http://x/", **config)

    assert word in made["preface"]
    assert made["timeout"] == 30


@pytest.mark.parametrize(
    ("executor", "config"),
    [
        ("kafka", {"brokerAddress": "a:9092", "topic": "t", "message": "m", "tlsEnable": "true"}),
        ("nats", {"url": "nats://a:4222", "subject": "s", "message": "m"}),
        ("rabbitmq", {"url": "amqp://a/", "queue.name": "q", "message.body": "b", "queue.create": "true"}),
        ("grpc", {"url": "a:1/p.S/M", "body": "{}"}),
        ("gcppubsub", {"project": "p", "topic": "t", "data": "ZA=="}),
    ],
)
def test_senders_of_messages_take_dkrons_settings_as_they_are(executor, config):
    made = told(executor, **config, misspelled="x")

    assert (made.job_type, made.configuration) == (executor, config)
    assert made.shown == {**config, "misspelled": "x"}
    assert validate_configuration(executors()[executor].configuration_schema, config) == []


@pytest.mark.parametrize("executor", ["", "docker", "ecs", "Shell", "task", "container", "absent", "x" * 1000])
def test_an_executor_that_is_not_here_is_kept_with_its_name(executor):
    made = told(executor, image="x")

    assert (made.job_type, made.configuration) == ("absent", {"executor": executor[:250]})
    assert made.shown == {"image": "x"}


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRETS = [
    ("http", {"method": "GET", "url": f"https://ada:{SECRET}@example.org/"}, "url"),
    ("http", {"method": "GET", "url": "https://x/", "headers": json.dumps([f"Authorization: B {SECRET}"])}, "headers"),
    ("http", {"method": "GET", "url": "https://x/", "debug": "1", "headers": f'["X-Api-Key:{SECRET}"]'}, "headers"),
    ("kafka", {"brokerAddress": "a", "topic": "t", "saslUsername": "u", "saslPassword": SECRET}, "saslPassword"),
    ("nats", {"url": "nats://a", "subject": "s", "userName": "u", "password": SECRET}, "password"),
    ("rabbitmq", {"url": f"amqp://guest:{SECRET}@a/", "queue.name": "q", "message.body": "b"}, "url"),
    ("grpc", {"url": "a", "headers": f"token: {SECRET}"}, "headers"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("executor", "config", "name"), SECRETS)
def test_a_secret_is_masked_wherever_the_job_is_shown_and_encrypted_where_it_is_kept(dkron, executor, config, name):
    answer = store(dkron, executor=executor, executor_config=config)

    assert MASK in answer["executor_config"][name]
    assert answer["executor_config"].keys() == config.keys()
    for path in ("/v1/jobs", "/v1/jobs/job1", "/v6/jobs/job1/", "/v6/audit/"):
        assert SECRET not in dkron.get(path).content.decode()
    row = Job.objects.filter(name="job1").values().get()
    assert SECRET not in str(row)
    assert SECRET not in str(job().payload.configuration)
    assert SECRET in str(job().payload.secrets)


@pytest.mark.django_db
@pytest.mark.parametrize(("executor", "config", "name"), SECRETS)
def test_a_masked_secret_that_is_sent_back_keeps_its_value(dkron, executor, config, name):
    before = store(dkron, executor=executor, executor_config=config)
    kept = job().payload.secrets

    same = store(dkron, **{**before, "owner": "ada"})
    other = store(dkron, **{**before, "executor_config": {**before["executor_config"], "debug": "on"}})

    assert same["executor_config"] == before["executor_config"]
    assert MASK in other["executor_config"][name]
    assert job().payload.secrets == kept


@pytest.mark.django_db
def test_a_mask_that_stands_for_nothing_is_refused(dkron):
    answer = dkron.post(
        "/v1/jobs",
        {"name": "a", "schedule": "@daily", "executor": "nats", "executor_config": {"password": MASK}},
        format="json",
    )

    assert answer.status_code == 400
    assert "none is stored" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("executor", "native", "theirs"),
    [
        (
            "shell",
            {
                "command": "x",
                "shell": True,
                "env": {"A": "1"},
                "cwd": "/tmp",
                "stdin": "hi",
                "timeout": 1.5,
                "memory_limit": 64,
            },
            {
                "command": "x",
                "shell": "true",
                "env": "A=1",
                "cwd": "/tmp",
                "payload": "aGk=",
                "timeout": "1.5s",
                "mem_limit": "64MB",
            },
        ),
        (
            "http",
            {
                "url": "https://example.org/",
                "method": "PUT",
                "headers": {"A": "b"},
                "body": {"x": 1},
                "expected_body": "ok",
            },
            {
                "method": "PUT",
                "url": "https://example.org/",
                "headers": '["A: b"]',
                "body": '{"x": 1}',
                "expectCode": ",".join(map(str, range(200, 300))),
                "expectBody": "ok",
            },
        ),
        (
            "nats",
            {"url": "nats://a", "subject": "s", "timeout": 5},
            {"url": "nats://a", "subject": "s", "timeout": "5"},
        ),
    ],
)
def test_a_job_of_the_house_is_told_in_dkrons_words(dkron, executor, native, theirs):
    dkron.post(
        "/v6/jobs/", {"name": "native", "job_type": {"name": executor}, "configuration": native}, format="json"
    ).json()

    answer = shown(dkron, "native")

    assert (answer["executor"], answer["executor_config"]) == (executor, theirs)
