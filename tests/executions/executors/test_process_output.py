"""How much output goes on, and when: the funnel between a family and its worker."""

from __future__ import annotations

import pytest

from executions.executors.process.output import BUNDLE, HEAD, TAIL, WINDOW, Funnel

KIB = 1024


@pytest.fixture
def funnel() -> Funnel:
    return Funnel()


def add(funnel: Funnel, data: bytes, now: float, stream="stdout") -> None:
    funnel.add(stream, memoryview(data), 1000.0 + now, now)


def text(chunks) -> bytes:
    return b"".join(chunk.data for chunk in chunks)


def test_a_little_goes_on_at_once(funnel):
    add(funnel, b"hello", now=10)

    assert funnel.due() <= 10
    assert text(funnel.take(10)) == b"hello"
    assert funnel.due() is None


def test_many_small_pieces_go_on_in_bundles(funnel):
    add(funnel, b"a", now=10)
    funnel.take(10)
    for _ in range(1000):
        add(funnel, b"b", now=10.01)

    assert funnel.take(10.02) == []
    assert funnel.due() == 10 + BUNDLE
    (bundle,) = funnel.take(10 + BUNDLE)
    assert (bundle.data, bundle.lost, bundle.time) == (b"b" * 1000, 0, 1010.01)


def test_streams_keep_their_order(funnel):
    for stream, data in [("stdout", b"1"), ("stderr", b"2"), ("stderr", b"3"), ("stdout", b"4")]:
        add(funnel, data, now=10, stream=stream)

    assert [(chunk.stream, bytes(chunk.data)) for chunk in funnel.take(10)] == [
        ("stdout", b"1"),
        ("stderr", b"23"),
        ("stdout", b"4"),
    ]


def test_of_too_much_the_first_and_the_newest_go_on(funnel):
    data = bytes(range(256)) * 16 * KIB  # 4 MiB

    for start in range(0, len(data), 60_000):
        add(funnel, data[start : start + 60_000], now=10)
    head = funnel.take(10)
    tail = funnel.take(10 + WINDOW)

    assert text(head) == data[:HEAD]
    assert text(tail) == data[-TAIL:]
    assert [chunk.lost for chunk in tail if chunk.lost] == [len(data) - HEAD - TAIL]
    assert tail[0].lost
    assert funnel.due() is None


def test_what_a_stream_lost_is_said_even_if_nothing_of_it_is_left(funnel):
    add(funnel, b"x" * (HEAD + 100), now=10, stream="stderr")
    add(funnel, b"y" * TAIL, now=10)
    funnel.take(10)

    tail = funnel.take(10 + WINDOW)

    assert {chunk.stream: chunk.lost for chunk in tail if chunk.lost} == {"stderr": 100}
    assert text(tail) == b"y" * TAIL


def test_a_worker_that_takes_nothing_costs_bounded_memory_and_loses_no_end(funnel):
    for second in range(100):
        add(funnel, b"%06d" % second + b"z" * 100_000, now=10 + second)

    left = funnel.rest()

    assert len(text(left)) == HEAD + TAIL
    assert text(left).startswith(b"000000z")
    assert sum(chunk.lost for chunk in left) + len(text(left)) == 100 * 100_006


def test_tiny_pieces_are_joined(funnel):
    for _ in range((HEAD + TAIL) // 16 + 2):
        add(funnel, b"q" * 16, now=10)

    left = funnel.rest()

    assert len(left) < 50
    assert sum(chunk.lost for chunk in left) == 32
