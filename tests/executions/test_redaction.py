"""Secrets do not reach what is stored, however a stream was cut."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from executions.redaction import MASK, Redactor

SECRET = "s3cr&t/wörd+="


def told(secrets: list[str], pieces: list[bytes]) -> bytes:
    """What is shown of a stream that comes in `pieces`."""
    redactor = Redactor(secrets)
    shown, rest = b"", b""
    for piece in pieces:
        data = rest + piece
        keep = redactor.withheld(data)
        rest = data[len(data) - keep :]
        shown += redactor.clean(data[: len(data) - keep])
    return shown + redactor.clean(rest)


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_spelling(spelling):
    shown = Redactor([SECRET]).clean(f"before {spelling} after".encode())

    assert spelling.rstrip("=").encode() not in shown
    assert shown.startswith(b"before ********")
    assert shown.endswith(b" after")


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user:"])
@pytest.mark.parametrize("after", ["", "\n", "@host"])
def test_a_secret_inside_of_something_in_base64_is_masked(before, after):
    header = base64.b64encode(f"{before}{SECRET}{after}".encode())

    shown = Redactor([SECRET]).clean(b"Authorization: Basic " + header)

    assert MASK in shown
    rest = len(shown) - len(b"Authorization: Basic ") - len(MASK)
    assert rest <= len(base64.b64encode(f"{before}{after}".encode())) + 4


def test_short_values_are_not_looked_for():
    assert Redactor(["12345"]).clean(b"12345") == b"12345"


def test_the_longer_of_two_secrets_goes_as_a_whole():
    assert Redactor(["abcdef", "abcdefgh"]).clean(b"abcdefgh") == MASK


def test_without_secrets_nothing_is_withheld_or_changed():
    redactor = Redactor([])

    assert (redactor.withheld(b"anything"), redactor.clean(b"anything")) == (0, b"anything")


def test_the_beginning_of_a_secret_waits_for_what_comes_next():
    redactor = Redactor(["password"])

    assert redactor.withheld(b"the pass") == 4
    assert redactor.withheld(b"the word") == 0


def test_a_secret_that_ends_as_it_begins_is_not_cut_in_two():
    """The last bytes of a whole secret may look like the beginning of the next one."""
    assert told(["hunter2h"], [b"it is hunter2h", b"\n"]) == b"it is " + MASK + b"\n"
    assert told(["abcabc"], [b"xabcabc"]) == b"x" + MASK


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(
    secret=st.text(alphabet="ab", min_size=6, max_size=9),
    around=st.lists(st.text(alphabet="abc", max_size=6), min_size=2, max_size=4),
    cuts=st.lists(st.integers(0, 40), max_size=5),
)
@example(secret="aaaaaa", around=["a", "a"], cuts=[3, 7])
def test_however_a_stream_is_cut_no_secret_comes_through(secret, around, cuts):
    stream = secret.join(around).encode()
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(places)]

    shown = told([secret], pieces)

    assert shown == Redactor([secret]).clean(stream)
    assert secret.encode() not in shown


def test_a_value_keeps_its_shape_whatever_a_secret_looks_like():
    redactor = Redactor(["123456", '"status"', "hunter2!", "tr\\ue: "])

    cleaned = redactor.value({"status": 200, "hunter2!": ["my hunter2!", 123456, 1.5, None, True], "n": 71234560})

    assert cleaned == {"status": 200, "********": ["my ********", "********", 1.5, None, True], "n": "********"}


def test_of_an_output_file_only_what_the_run_said_of_it_is_cleaned():
    secret = "123456"
    file = {"name": "O", "path": "x-123456", "key": "h/123456/ab", "bytes": 123456, "metadata": {"a": "123456"}}

    cleaned = Redactor([secret]).outputs({"json": {"n": "123456", "m": 123456}, "files": {"O": [file]}})

    mask = MASK.decode()
    assert cleaned == {
        "json": {"n": mask, "m": mask},
        "files": {"O": [file | {"path": f"x-{mask}", "metadata": {"a": mask}}]},
    }
