"""The executors that send one message: to a real RabbitMQ, a real NATS server, and, since no Kafka can run here, to
sockets that stand in its place. What needs a broker's answer is not tested for Kafka; docs/executors.md says so.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import kombu
import nats
import pytest
from jsonschema import Draft202012Validator
from kombu.simple import SimpleQueue

from executions.executors.base import Limits, Outcome, WorkOrder
from executions.executors.kafka import KafkaExecutor, brokers
from executions.executors.messaging import MessageExecutor, Unusable, perform, seconds, switch
from executions.executors.nats import NatsExecutor
from executions.executors.process.client import Processes, Stop
from executions.executors.rabbitmq import RabbitmqExecutor, body
from executions.executors.refused import GcpPubSubExecutor, GrpcExecutor
from jobtypes.interface import validate_configuration
from jobtypes.secrets import split_secrets
from tests.executions.executors.family_watch import Watched, until
from tests.services import NATS, RABBITMQ

EXECUTORS = [RabbitmqExecutor, NatsExecutor, KafkaExecutor]
AMQP = RABBITMQ.url


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]


def send(kind: type[MessageExecutor], **configuration):
    """What the child answers: outputs, or a failure."""
    return perform(f"{kind.__module__}:{kind.__qualname__}", configuration)


def failure(kind: type[MessageExecutor], **configuration) -> tuple[str, str]:
    answer = send(kind, **configuration)["failure"]
    return answer["error"], answer["message"]


@contextmanager
def deaf_server() -> Iterator[int]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free_port() -> int:
    with deaf_server() as port:
        return port


# --- RabbitMQ ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def queue() -> Iterator[SimpleQueue]:
    """A queue of the test's own on the real broker."""
    with kombu.Connection(AMQP) as connection:
        options = {"auto_delete": False, "durable": False}
        waiting = connection.SimpleQueue(f"jobhouse-test-{uuid4().hex}", no_ack=True, queue_opts=options)
        yield waiting
        waiting.queue.delete()


def rabbit(queue_name: str, **more):
    return {"url": AMQP, "queue.name": queue_name, **more}


@pytest.mark.rabbitmq
def test_a_message_arrives_in_its_queue(queue):
    assert (
        send(RabbitmqExecutor, **rabbit(queue.queue.name, **{"message.body": "grüße", "message.messageId": "m1"})) == {}
    )

    got = queue.get(timeout=5)
    assert got.body in ("grüße", "grüße".encode())
    assert (got.content_type, got.properties["message_id"]) == ("text/plain", "m1")
    assert got.properties["delivery_mode"] == 1


@pytest.mark.rabbitmq
def test_bytes_in_base64_and_what_describes_them_arrive_as_they_are(queue):
    data = bytes(range(256))

    coded = base64.b64encode(data).decode()
    send(
        RabbitmqExecutor,
        **rabbit(
            queue.queue.name,
            **{
                "message.base64Body": coded,
                "message.content_type": "application/octet-stream",
                "message.delivery_mode": "2",
            },
        ),
    )

    got = queue.get(timeout=5)
    assert bytes(got.body) == data
    assert (got.content_type, got.properties["delivery_mode"]) == ("application/octet-stream", 2)


@pytest.mark.rabbitmq
def test_a_queue_is_declared_only_where_that_is_asked_for():
    name = f"jobhouse-test-{uuid4().hex}"

    assert failure(RabbitmqExecutor, **rabbit(name))[0] == "algorithm-unknown"
    assert failure(RabbitmqExecutor, **rabbit(name, **{"queue.create": "false"}))[0] == "algorithm-unknown"
    made = send(RabbitmqExecutor, **rabbit(name, **{"queue.create": "true", "queue.durable": "true"}))

    assert made == {}
    with kombu.Connection(AMQP) as connection:
        channel = connection.default_channel
        assert channel.queue_declare(name, passive=True).message_count == 1
        assert channel.queue_declare(name, durable=True, auto_delete=False).queue == name
        channel.queue_delete(name)


@pytest.mark.rabbitmq
def test_a_message_goes_by_way_of_an_exchange(queue):
    exchange = kombu.Exchange(f"jobhouse-test-{uuid4().hex}", type="direct", durable=False)
    with kombu.Connection(AMQP) as connection:
        bound = exchange(connection.default_channel)
        bound.declare()
        queue.queue.bind_to(exchange=bound, routing_key=queue.queue.name)
        try:
            send(RabbitmqExecutor, **rabbit(queue.queue.name, exchange=exchange.name, **{"message.body": "by it"}))
            assert queue.get(timeout=5).body in ("by it", b"by it")
        finally:
            bound.delete()


@pytest.mark.rabbitmq
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"url": "amqp://guest:not-the-password@127.0.0.1:5672//"}, "ACCESS_REFUSED"),
        ({"url": "amqp://guest:guest@127.0.0.1:5672/no-such-host"}, "NOT_ALLOWED"),
        ({"exchange": "no-such-exchange"}, "NOT_FOUND"),
        ({}, "there is no queue 'jobhouse-no-such-queue'"),
    ],
)
def test_what_the_broker_refuses_fails_with_its_reason_and_without_the_password(more, said):
    error, message = failure(RabbitmqExecutor, **rabbit("jobhouse-no-such-queue", **more))

    assert error == "algorithm-unknown"
    assert said in message
    assert "not-the-password" not in message


@pytest.mark.parametrize(
    "given",
    [
        {"message.body": "a", "message.base64Body": "YQ=="},
        {"message.base64": "YQ==", "message.base64Body": "YQ=="},
        {"message.base64Body": "***"},
        {"message.body": 5},
    ],
)
def test_a_body_is_a_text_or_base64_and_not_both(given):
    with pytest.raises(Unusable):
        body(given)


def test_the_other_name_of_base64_is_known():
    assert body({"message.base64": "aGk="}) == b"hi"


@pytest.mark.parametrize("url", ["redis://127.0.0.1/", "filesystem:///tmp", "amqp://", "amqp:", "", "amqp://a:0/", 5])
def test_other_transports_of_the_library_are_out_of_reach(url):
    error, message = failure(RabbitmqExecutor, **{"url": url, "queue.name": "q"})

    assert error == "invalid-input"
    assert message.startswith("url is ")


# --- NATS -------------------------------------------------------------------------------------------------------------
async def _published(subject: str, act) -> list[str]:
    """The messages on `subject` while `act` runs, in a thread of its own."""
    client = await nats.connect(NATS.url)
    got = asyncio.Queue()
    await client.subscribe(subject, cb=got.put)
    await client.flush()
    await asyncio.to_thread(act)
    message = await asyncio.wait_for(got.get(), 5)
    await client.close()
    return [message.data.decode()]


@pytest.mark.nats
def test_a_message_reaches_who_has_subscribed(capfd):
    subject = f"jobhouse.test.{uuid4().hex}"

    got = asyncio.run(_published(subject, lambda: send(NatsExecutor, url=NATS.url, subject=subject, message="grüße")))

    assert got == ["grüße"]
    assert capfd.readouterr().out == "The message was sent to the NATS server.\n"


@pytest.mark.nats
def test_a_user_and_a_password_may_be_given_apart():
    assert send(NatsExecutor, url=NATS.url, subject="a", userName="ada", password="secret", message="") == {}


@pytest.mark.parametrize("subject", ["", "a b", "a.*", "a.>", "a\r\nPUB b 1"])
def test_nothing_is_published_on_what_is_no_subject(subject):
    assert failure(NatsExecutor, url=NATS.url, subject=subject)[0] == "invalid-input"


@pytest.mark.parametrize("url", ["ws://127.0.0.1", "127.0.0.1:4222", "nats://", ""])
def test_a_url_of_another_kind_is_refused(url):
    assert failure(NatsExecutor, url=url, subject="a")[0] == "invalid-input"


# --- Kafka ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("one", [("one", 9092)]),
        ("one:1, two:65535,", [("one", 1), ("two", 65535)]),
        ("[::1]:9093,[::1]", [("::1", 9093), ("::1", 9092)]),
    ],
)
def test_brokers_are_a_comma_list(said, meant):
    assert brokers(said) == meant


@pytest.mark.parametrize("said", ["", " , ", "one:0", "one:65536", "one:x", ":1", "kafka://one:1"])
def test_what_is_no_list_of_brokers_is_refused(said):
    assert failure(KafkaExecutor, brokerAddress=said, topic="t")[0] == "invalid-input"


@pytest.mark.parametrize(
    "more",
    [
        {"topic": ""},
        {"saslUsername": "ada", "saslPassword": "secret"},
        {"saslUsername": "ada", "saslPassword": "secret", "saslMechanism": "plain"},
        {"message": 5},
    ],
)
def test_a_message_that_cannot_be_produced_is_refused_before_anybody_is_called(more):
    configuration = {"brokerAddress": "10.0.0.1", "topic": "t", **more}

    assert failure(KafkaExecutor, **configuration)[0] == "invalid-input"


def test_of_several_brokers_one_that_listens_is_enough_to_be_asked():
    with deaf_server() as port:
        error, _ = failure(
            KafkaExecutor, brokerAddress=f"127.0.0.1:{free_port()},127.0.0.1:{port}", topic="t", timeout=0.5
        )

    assert error == "timeout"


# --- All of them ------------------------------------------------------------------------------------------------------
def told(kind: type[MessageExecutor], host: str, port: int) -> dict[str, str]:
    """A configuration that names one server."""
    return {
        RabbitmqExecutor: {"url": f"amqp://{host}:{port}//", "queue.name": "q"},
        NatsExecutor: {"url": f"nats://{host}:{port}", "subject": "s"},
        KafkaExecutor: {"brokerAddress": f"{host}:{port}", "topic": "t"},
    }[kind]


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_server_that_does_not_listen_is_a_failure_at_once(kind):
    begun = time.monotonic()

    error, message = failure(kind, **told(kind, "127.0.0.1", free_port()))

    assert error == "algorithm-unknown"
    assert "ConnectionRefusedError" in message
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_server_that_says_nothing_is_given_up_in_time(kind):
    with deaf_server() as port:
        error, message = failure(kind, **told(kind, "127.0.0.1", port), timeout="0.5")

    assert (error, message) == ("timeout", "the message was not taken within 0.5 s")


@pytest.mark.parametrize("kind", EXECUTORS)
@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "127.0.0.9"])
def test_a_private_address_is_not_reached(kind, host):
    error, message = failure(kind, **told(kind, host, 7))

    assert error == "algorithm-unknown"
    assert "OUTBOUND_ALLOW does not list" in message


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_name_that_does_not_resolve_is_said(kind):
    assert failure(kind, **told(kind, "no-such-host.invalid", 7))[1] == "the name no-such-host.invalid does not resolve"


@pytest.mark.parametrize(("kind", "name"), [(NatsExecutor, "nats"), (KafkaExecutor, "kafka")])
def test_a_missing_library_says_what_to_install(kind, name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)

    error, message = failure(kind, **told(kind, "127.0.0.1", 7))

    assert error == "task-launch"
    assert message.endswith(f"pip install jobhouse[{name}]")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (RabbitmqExecutor, {"url": "amqp://ada:hush@10.0.0.1/", "queue.name": "q"}),
        (NatsExecutor, {"url": "nats://ada:hush@10.0.0.1", "subject": "s"}),
        (NatsExecutor, {"url": "nats://10.0.0.1", "subject": "s", "userName": "ada", "password": "hush"}),
        (KafkaExecutor, {"brokerAddress": "10.0.0.1", "topic": "t", "saslPassword": "hush"}),
    ],
)
def test_debug_shows_the_configuration_without_secrets(kind, more, capfd):
    send(kind, **more, debug="true")

    said = capfd.readouterr().out
    assert "10.0.0.1" in said
    assert "********" in said
    assert "hush" not in said


@pytest.mark.parametrize("value", [0, -1, 3601, "x", "1e9", "nan", True, [], "99999"])
def test_what_is_no_time_limit_is_refused(value):
    with pytest.raises(Unusable):
        seconds(value)


@pytest.mark.parametrize(("value", "meant"), [(None, 30.0), ("", 30.0), ("2", 2.0), ("2.5", 2.5), (7, 7.0)])
def test_a_time_limit_may_be_a_text(value, meant):
    assert seconds(value) == meant


@pytest.mark.parametrize("value", [True, "true", "1", "t", "T", "TRUE"])
def test_a_switch_is_on_as_go_reads_it(value):
    assert switch(value)


@pytest.mark.parametrize("value", [False, "false", "0", "", None, "yes", "on"])
def test_and_off_otherwise(value):
    assert not switch(value)


# --- What may be configured -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [*EXECUTORS, GrpcExecutor, GcpPubSubExecutor])
def test_the_schema_is_one(kind):
    Draft202012Validator.check_schema(kind.configuration_schema)


# fmt: off
DKRONS = [
    (RabbitmqExecutor, {
        "url": "amqp://guest:guest@localhost:5672/", "queue.name": "test", "queue.create": "true",
        "queue.durable": "true", "queue.auto_delete": "false", "queue.exclusive": "false", "exchange": "",
        "message.content_type": "application/json", "message.delivery_mode": "2", "message.messageId": "4373732772",
        "message.body": '{"key":"value"}',
    }),
    (NatsExecutor, {
        "url": "nats://localhost:4222", "subject": "opcuaReadRequest", "message": "{}", "userName": "test@hbh.dfg",
        "password": "dfdffs", "debug": "true",
    }),
    (KafkaExecutor, {
        "brokerAddress": "192.168.59.103:9092,192.168.59.104:9092", "topic": "publishTopic", "key": "k",
        "message": "Sample message", "debug": "true", "tlsEnable": "true", "tlsInsecureSkipVerify": "false",
        "saslUsername": "ada", "saslPassword": "secret", "saslMechanism": "sha512",
    }),
    (GrpcExecutor, {
        "url": "127.0.0.1:9000/demo.DemoService/Demo", "body": '{"key":"value"}', "timeout": "30", "expectCode": "0",
        "headers": "authorization=x",
    }),
    (GcpPubSubExecutor, {"project": "p", "topic": "t", "data": "aGVsbG8=", "attributes": '{"hello":"world"}'}),
]
# fmt: on


@pytest.mark.parametrize(("kind", "configuration"), DKRONS)
def test_a_string_map_of_dkrons_is_a_configuration(kind, configuration):
    assert validate_configuration(kind.configuration_schema, configuration) == []


@pytest.mark.parametrize(
    ("kind", "secret", "place"),
    [
        (RabbitmqExecutor, {"url": "amqp://ada:hush-hush@rabbit/"}, "/url"),
        (NatsExecutor, {"url": "nats://ada:hush-hush@nats"}, "/url"),
        (NatsExecutor, {"password": "hush-hush"}, "/password"),
        (KafkaExecutor, {"saslPassword": "hush-hush"}, "/saslPassword"),
        (GrpcExecutor, {"headers": "hush-hush"}, "/headers"),
    ],
)
def test_passwords_are_secrets_also_in_urls(kind, secret, place):
    public, secrets = split_secrets(kind.configuration_schema, secret)

    assert secrets == {place: "hush-hush"}
    assert "hush-hush" not in str(public)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (RabbitmqExecutor, {"url": "amqp://rabbit/"}),
        (RabbitmqExecutor, {"url": "redis://rabbit/", "queue.name": "q"}),
        (RabbitmqExecutor, {"url": "amqp://rabbit/", "queue.name": "q", "message.delivery_mode": 3}),
        (NatsExecutor, {"url": "nats://n"}),
        (NatsExecutor, {"url": "nats://n", "subject": "s", "timeout": "soon"}),
        (KafkaExecutor, {"brokerAddress": "k"}),
        (KafkaExecutor, {"brokerAddress": "k", "topic": "t", "saslMechanism": "plain"}),
        (KafkaExecutor, {"brokerAddress": "k", "topic": "t", "mesage": "typo"}),
    ],
)
def test_another_configuration_is_refused(kind, bad):
    assert validate_configuration(kind.configuration_schema, bad)


# --- In the worker: from an order to an outcome, by way of a real slot ------------------------------------------------
@pytest.fixture(scope="module")
def runner():
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OUTBOUND_ALLOW", "127.0.0.1")
        with Processes(["executions.executors.messaging"], grace=0.5) as processes, processes.runner() as runner:
            yield runner


class Slot:
    """A context as the engine offers it."""

    def __init__(self, runner) -> None:
        self.watched = Watched(runner)
        self.stop = Stop()

    def call(self, target, arguments, *, env, limits):
        watched = self.watched
        return watched.runner.call(target, arguments, env=env, limits=limits, on_output=watched.keep, stop=self.stop)

    def children(self) -> list[int]:
        """The processes that the slot's runner has forked and not yet ended."""
        pid = self.watched.runner.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def slot(runner):
    return Slot(runner)


def run(slot: Slot, kind: type[MessageExecutor], limits: Limits | None = None, **configuration) -> Outcome:
    limits = limits or Limits(seconds=30)
    given = {"json": {"who": "ada"}}
    return kind().run(
        WorkOrder(1, 77, 1, "tell", kind.name, "1.0.0", kind.name, configuration, given, limits=limits), slot
    )


@pytest.mark.rabbitmq
def test_input_and_the_runs_own_number_are_filled_into_the_message(slot, queue):
    body = "$INPUT_WHO in ${JOB_RUN_ID} of $JOB_NAME for $5"

    outcome = run(slot, RabbitmqExecutor, **rabbit(queue.queue.name, **{"message.body": body}))

    assert (outcome.ok, outcome.error, outcome.exit_code) == (True, None, 0)
    assert queue.get(timeout=5).body in ("ada in 77 of tell for $5", b"ada in 77 of tell for $5")
    assert slot.watched.said() == b""


@pytest.mark.nats
def test_what_was_sent_is_said_in_the_output(slot):
    outcome = run(slot, NatsExecutor, url=NATS.url, subject="a", message="b")

    assert outcome.ok
    assert slot.watched.said() == b"The message was sent to the NATS server.\n"


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_configuration_that_no_door_checked_is_bad_data(slot, kind):
    outcome = run(slot, kind)

    assert (outcome.ok, outcome.error, outcome.exit_code) == (False, "invalid-input", None)


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_time_limit_of_the_run_ends_it(slot, kind):
    with deaf_server() as port:
        outcome = run(slot, kind, Limits(seconds=1), **told(kind, "127.0.0.1", port))

    assert (outcome.ok, outcome.error, outcome.reason) == (False, "timeout", "timeout")
    assert slot.children() == []


def test_a_time_limit_that_is_none_is_bad_data(slot):
    outcome = run(slot, NatsExecutor, url=NATS.url, subject="a", timeout="soon")

    assert (outcome.error, outcome.message) == ("invalid-input", "timeout is not a number of seconds")


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_cancel_ends_it_with_all_that_it_started(slot, kind):
    threading.Timer(1.0, lambda: slot.stop.request("user")).start()
    begun = time.monotonic()
    with deaf_server() as port:
        outcome = run(slot, kind, **told(kind, "127.0.0.1", port))

    assert (outcome.ok, outcome.stopped) == (False, True)
    assert time.monotonic() - begun < 12
    assert slot.children() == []


def test_a_client_that_crashes_fails_its_own_run_only(slot):
    def crash() -> None:
        until(lambda: slot.watched.runner.pid and slot.children(), 10)
        os.kill(slot.children()[0], signal.SIGSEGV)

    threading.Thread(target=crash, daemon=True).start()
    with deaf_server() as port:
        outcome = run(slot, NatsExecutor, **told(NatsExecutor, "127.0.0.1", port))

    assert (outcome.ok, outcome.error) == (False, "algorithm-unknown")
    assert outcome.signal == signal.SIGSEGV


# --- Those that are not run -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "instead"), [(GrpcExecutor, "grpcurl"), (GcpPubSubExecutor, "gcloud pubsub")])
def test_a_run_that_is_refused_says_what_to_do_instead(slot, kind, instead):
    outcome = run(slot, kind, url="one:1/demo.Service/Call")

    assert (outcome.ok, outcome.error) == (False, "invalid-input")
    assert instead in outcome.message
