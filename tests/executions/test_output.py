"""Output is kept as it comes: by lines, its head and its tail, any bytes, without secrets."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executions import output
from executions.engine.finish import drop_stale, keep_output
from executions.models import Execution, OutputChunk
from executions.output import HEAD, LARGEST_CHUNK, TAIL, Collector
from executions.redaction import MASK, Redactor
from executions.states import Status
from tests.builders import a_job, an_execution

START = 1_800_000_000.0
"""Seconds since the epoch when a job begins to print."""


def collector(*secrets: str, execution: int = 1) -> Collector:
    return Collector(execution, Redactor(secrets))


def lines(made: Collector, now: float = float("inf")) -> list[tuple[int, str, str]]:
    """(number, stream, text) of each line that is given out, as a reader would see it."""
    chunks, _ = made.unsaved(now)
    made.saved(chunks)
    return [
        (number, chunk.stream, text)
        for chunk in chunks
        for number, text in enumerate(chunk.text.removesuffix("\n").split("\n"), chunk.seq - chunk.lines + 1)
    ]


# --- Lines ------------------------------------------------------------------------------------------------------------
def test_lines_are_numbered_across_both_streams():
    made = collector()
    made.write("stdout", b"one\ntwo\n", START)
    made.write("stderr", b"oh\n", START)
    made.write("stdout", b"three\n", START)
    made.finish()

    assert lines(made) == [(1, "stdout", "one"), (2, "stdout", "two"), (3, "stderr", "oh"), (4, "stdout", "three")]


def test_a_line_that_comes_in_pieces_is_one_line():
    made = collector()
    made.write("stdout", b"begun, ", START)
    assert lines(made, START + 0.25) == []
    made.write("stdout", b"and ended\nnext", START + 0.3)

    assert lines(made, START + 0.35) == [(1, "stdout", "begun, and ended")]
    made.finish()
    assert lines(made) == [(2, "stdout", "next")]


def test_a_line_that_another_stream_interrupts_is_one_line():
    made = collector()
    made.write("stdout", b"half ", START)
    made.write("stderr", b"oh\n", START)
    made.write("stdout", b"and half\n", START)

    assert lines(made) == [(1, "stderr", "oh"), (2, "stdout", "half and half")]


def test_a_line_whose_end_is_long_in_coming_is_shown_all_the_same():
    made = collector()
    made.write("stdout", b"Password: ", START)

    assert lines(made, START + 0.4) == []
    assert lines(made, START + 0.75) == [(1, "stdout", "Password: ")]


def test_much_output_is_cut_between_lines():
    made = collector()
    text = b"".join(b"line %06d\n" % n for n in range(10_000))
    for at in range(0, len(text), 65_536):
        made.write("stdout", text[at : at + 65_536], START)
    made.finish()

    assert [line for _, _, line in lines(made)] == text.decode().splitlines()


def test_a_very_long_line_is_broken():
    made = collector()
    made.write("stdout", b"x" * (LARGEST_CHUNK * 2 + 10) + b"\nshort\n", START)
    made.finish()

    found = lines(made)
    assert [number for number, _, _ in found] == [1, 2, 3, 4]
    assert "".join(text for _, _, text in found[:3]) == "x" * (LARGEST_CHUNK * 2 + 10)


def test_empty_lines_count():
    made = collector()
    made.write("stdout", b"\n\na\n", START)

    assert lines(made) == [(1, "stdout", ""), (2, "stdout", ""), (3, "stdout", "a")]


def test_bytes_that_are_no_text_are_replaced():
    made = collector()
    made.write("stdout", b"a\x00b \xff\xfe \xc3\x28\n", START)

    assert [text for _, _, text in lines(made)] == ["a\ufffdb \ufffd\ufffd \ufffd("]


def test_a_character_that_was_cut_in_two_is_whole():
    made = collector()
    for byte in "größe €\n".encode():
        made.write("stdout", bytes([byte]), START)

    assert [text for _, _, text in lines(made)] == ["größe €"]


def test_a_character_that_never_ended_is_replaced():
    made = collector()
    made.write("stdout", b"\xe2\x82", START)
    made.finish()

    assert [text for _, _, text in lines(made)] == ["\ufffd"]


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from("ab\né\x00"), max_size=200),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    flush=st.booleans(),
)
def test_however_text_is_cut_what_is_kept_is_what_came(text, cuts, flush):
    made, data = collector(), text.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks: list[OutputChunk] = []
    for start, end in pairwise(places):
        made.write("stdout", data[start:end], START)
        if flush:
            fresh, _ = made.unsaved(START)
            made.saved(fresh)
            chunks += fresh
    made.finish()
    chunks += made.unsaved()[0]

    assert "".join(chunk.text for chunk in chunks) == text.replace("\x00", "\ufffd")
    assert [chunk.seq for chunk in chunks] == sorted({chunk.seq for chunk in chunks})
    assert (chunks[-1].seq if chunks else 0) == len(text.split("\n")) - (text.endswith("\n") or not text)
    assert made.total_bytes == len(data)


# --- Much of it -------------------------------------------------------------------------------------------------------
def stored(made: Collector) -> None:
    """What a worker stores at each flush."""
    chunks, stale = made.unsaved(START)
    if stale:
        drop_stale(made.execution, *stale)
    keep_output(chunks)
    made.saved(chunks)


@pytest.mark.django_db
@pytest.mark.parametrize("flushes", [1, 16, 160])
def test_ten_megabytes_keep_their_head_and_tail(flushes):
    execution = an_execution(status=Status.COMPLETED)
    made = collector(execution=execution.pk)
    size, line = 10 * 1024 * 1024, b"%09d line of output\n"
    count = size // len(line % 0)
    text = b"".join(line % n for n in range(count))
    portions = [text[at : at + 65_536] for at in range(0, len(text), 65_536)]
    for n, portion in enumerate(portions):
        made.write("stdout", portion, START)
        if n % (len(portions) // flushes + 1) == 0:
            stored(made)
    made.finish()
    stored(made)
    Execution.objects.filter(pk=execution.pk).update(output_lost_bytes=made.lost_bytes)
    execution.refresh_from_db()

    kept = "".join(OutputChunk.objects.after(execution.pk, 0).values_list("text", flat=True)).encode()
    assert HEAD + TAIL <= len(kept) <= HEAD + TAIL + 2 * LARGEST_CHUNK
    assert kept.startswith(text[:HEAD])
    assert kept.endswith(text[-TAIL:])
    assert made.total_bytes == len(text)
    assert made.lost_bytes == len(text) - len(kept)
    assert f"\n[… {made.lost_bytes:,} bytes left out …]\n" in "".join(output.text(execution))
    # The numbers of the lines go on over the gap.
    (last,) = output.read(execution, count - 1, 10).lines
    assert (last.seq, last.text) == (count, f"{count - 1:09d} line of output")


def test_what_is_not_stored_yet_is_bounded_too():
    made = collector()
    for _ in range(200):
        made.write("stdout", b"y" * 99 + b"\n" * 1, START)
        made.write("stdout", (b"z" * 99 + b"\n") * 600, START)

    chunks, _ = made.unsaved()
    assert sum(len(chunk.text) for chunk in chunks) <= HEAD + TAIL + 3 * LARGEST_CHUNK


def test_what_was_lost_on_the_way_leaves_a_gap_before_what_came_after():
    made = collector()
    made.write("stdout", b"before\nhalf", START)
    made.write("stdout", b"after\n", START, lost=5000)

    assert lines(made) == [(1, "stdout", "before"), (2, "stdout", "half"), (4, "stdout", "after")]
    assert (made.total_bytes, made.lost_bytes) == (5017, 5000)


def test_never_more_is_lost_than_came():
    made = collector()
    for _ in range(60):
        made.write("stdout", b"\xff" * 32_768, START)
    made.finish()
    made.unsaved()

    assert made.lost_bytes <= made.total_bytes == 60 * 32_768


# --- Secrets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
def test_secrets_do_not_show_however_the_output_was_cut(size):
    secret = "correct horse battery"
    said = f"it is {secret}!\n{base64.b64encode(secret.encode()).decode()}\n{secret}".encode()
    made = collector(secret)
    for at in range(0, len(said), size):
        made.write("stdout", said[at : at + size], START + at)
        made.unsaved(START + at)
    made.finish()

    shown = "\n".join(text for _, _, text in lines(made))
    assert secret not in shown
    assert base64.b64encode(secret.encode()).decode()[:20] not in shown
    assert shown.count(MASK.decode()) >= 3


def test_what_only_began_like_a_secret_is_shown_in_the_end():
    made = collector("password")
    made.write("stdout", b"pass", START)
    assert lines(made) == []
    made.finish()

    assert lines(made) == [(1, "stdout", "pass")]


# --- Reading ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def ten(db) -> Execution:
    """An execution that printed ten lines, in chunks of three."""
    execution = an_execution(status=Status.RUNNING)
    made = collector(execution=execution.pk)
    for start in range(1, 11, 3):
        text = "".join(f"line {n}\n" for n in range(start, min(start + 3, 11)))
        made.write("stdout", text.encode(), START + start)
    stored(made)
    return execution


def test_reading_goes_on_after_the_last_line_that_was_seen(ten):
    first = output.read(ten, 0, 4)
    second = output.read(ten, first.after, 4)
    third = output.read(ten, second.after, 4)

    assert [[line.seq for line in page.lines] for page in (first, second, third)] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10],
    ]
    assert [line.text for line in second.lines] == ["line 5", "line 6", "line 7", "line 8"]
    assert third.after == 10


def test_a_running_execution_is_not_done_with_its_output(ten):
    page = output.read(ten, 10, 5)

    assert (page.lines, page.after, page.done) == ([], 10, False)


def test_an_ended_execution_is_done_when_all_was_read(ten):
    Execution.objects.filter(pk=ten.pk).move(Status.COMPLETED, ended=ten.created)
    ten.refresh_from_db()

    assert output.read(ten, 0, 9).done is False
    assert output.read(ten, 0, 10).done is True


def test_a_line_is_shown_up_to_a_limit(ten):
    OutputChunk.objects.create(
        execution=ten, seq=11, lines=1, time=ten.created, stream="stdout", text="x" * (output.LONGEST_LINE + 5)
    )

    (line,) = output.read(ten, 10, 1).lines

    assert len(line.text) == output.LONGEST_LINE


def test_an_execution_without_output_has_none(db):
    execution = an_execution(a_job(), status=Status.COMPLETED)

    assert output.read(execution).lines == []
    assert output.read(execution).done is True
    assert list(output.text(execution)) == []


# --- What takes an output's place ------------------------------------------------------------------------------------
def keeping() -> Collector:
    return Collector(1, Redactor(["hush-hush"]), keeps_all=True)


def test_all_that_is_kept_can_be_had_when_it_has_been_stored_already():
    made = keeping()
    made.write("stdout", b"one hush-hush\n", START)
    lines(made)
    made.write("stderr", b"two", START + 1)
    made.finish()

    assert made.text() == "one ********\ntwo"


def test_of_a_long_output_that_is_its_head_and_its_tail():
    made = keeping()
    for number in range(40_000):
        made.write("stdout", b"%07d" % number + b"." * 92 + b"\n", START)
        if number % 1000 == 0:
            lines(made)
    made.finish()

    text = made.text()
    assert text.startswith("0000000.")
    assert text.rstrip(".\n").endswith("0039999")
    assert f"[… {made.lost_bytes:,} bytes left out …]" in text
    assert HEAD + TAIL <= len(text) <= HEAD + TAIL + 2 * LARGEST_CHUNK + 100


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "one line", "more\nlines\nthan\nbefore\n", "x\n" * 100_000])
def test_a_text_takes_the_place_of_an_output_however_much_was_stored(text):
    execution = an_execution(a_job())
    made = Collector(execution.pk, Redactor([]), keeps_all=True)

    def store() -> None:
        chunks, stale = made.unsaved()
        if stale:
            drop_stale(execution.pk, *stale)
        keep_output(chunks)
        made.saved(chunks)

    made.write("stdout", b"one\ntwo\n", START)
    store()
    made.write("stdout", b"three\n", START + 1)
    made.finish()
    made.replace(text)
    store()  # the worker's clerk may do so at any time
    store()  # and does so with the end

    kept = text[: output.LONGEST_TEXT]
    assert "".join(output.text(execution)) == kept
    assert [line.seq for line in output.read(execution, limit=3).lines] == [1, 2, 3][: len(kept.splitlines())]
    assert (made.total_bytes, made.lost_bytes) == (14, 0)
