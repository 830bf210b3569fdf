"""How configuration and input become a request."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.executors.http_request import NoValue, build

URL = "https://example.org/"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def body_of(body, **more):
    return build({"url": URL, "body": body, **more}, VALUES_OF_A_JOB).body


VALUES_OF_A_JOB = {"name": 'a"b&c=d', "count": 3, "list": [1, "x"], "two-words": "w"}


def test_a_url_is_all_that_is_needed():
    request = build({"url": URL}, {})

    assert (request.method, request.url, request.body, request.timeout, request.verify_tls) == (
        "GET",
        URL,
        None,
        30.0,
        True,
    )


def test_placeholders_have_the_names_of_the_environment():
    request = build({"url": URL + "$INPUT_TWO_WORDS/${INPUT_COUNT}x?l=$INPUT_LIST"}, VALUES_OF_A_JOB)

    assert request.url == URL + "w/3x?l=%5B1%2C%20%22x%22%5D"


def test_other_dollars_stay():
    assert build({"url": URL + "$a/$INPUT/${x}$"}, VALUES_OF_A_JOB).url == URL + "$a/$INPUT/${x}$"


def test_a_value_that_the_input_does_not_give_is_named():
    with pytest.raises(NoValue, match="INPUT_NOBODY, which the input does not give"):
        build({"url": URL + "$INPUT_NOBODY"}, VALUES_OF_A_JOB)


@given(TEXTS.filter(lambda text: text not in (".", "..")))
def test_a_value_never_leaves_its_place_in_the_url(text):
    parts = urlsplit(build({"url": "https://example.org/a/$INPUT_X/b?q=$INPUT_X&r=1"}, {"x": text}).url)

    assert parts.netloc == "example.org"
    assert [unquote(part) for part in parts.path.split("/")] == ["", "a", text, "b"]
    assert parse_qs(parts.query, keep_blank_values=True) == {"q": [text], "r": ["1"]}
    assert parts.fragment == ""


@pytest.mark.parametrize("dots", [".", ".."])
def test_a_value_cannot_climb_in_the_path(dots):
    with pytest.raises(NoValue):
        build({"url": "https://example.org/users/$INPUT_X/delete"}, {"x": dots})


def test_an_object_is_sent_as_json_with_values_of_their_own_type():
    body = {"n": "$INPUT_COUNT", "t": "is $INPUT_COUNT", "deep": [{"l": "$INPUT_LIST"}], "five": 5}

    request = build({"url": URL, "body": body}, VALUES_OF_A_JOB)

    assert json.loads(request.body) == {"n": 3, "t": "is 3", "deep": [{"l": [1, "x"]}], "five": 5}
    assert request.headers["Content-Type"] == "application/json"


@given(VALUES)
def test_a_text_of_json_stays_json_whatever_the_value(value):
    template = '{"quoted": "[$INPUT_X]", "bare": $INPUT_X, "esc\\"aped $INPUT_X": 1}'

    filled = json.loads(build({"url": URL, "body": template}, {"x": value}).body)

    as_text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    assert filled == {"quoted": f"[{as_text}]", "bare": value, f'esc"aped {as_text}': 1}


def test_a_form_is_quoted():
    form = {"content-type": "application/x-www-form-urlencoded"}

    assert parse_qs(body_of("name=$INPUT_NAME&n=$INPUT_COUNT", headers=form).decode()) == {
        "name": ['a"b&c=d'],
        "n": ["3"],
    }


def test_other_text_is_taken_as_it_is():
    request = build({"url": URL, "body": "hello $INPUT_NAME"}, VALUES_OF_A_JOB)

    assert request.body == b'hello a"b&c=d'
    assert request.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_content_type_that_is_given_stays():
    request = build({"url": URL, "body": {}, "headers": {"content-type": "application/vnd.x+json"}}, {})

    assert request.headers == {"content-type": "application/vnd.x+json"}


def test_headers_and_secret_headers_are_filled_and_kept_apart():
    configuration = {"url": URL, "headers": {"A": "$INPUT_NAME"}, "secret_headers": {"B": "t-$INPUT_COUNT"}}

    request = build(configuration, VALUES_OF_A_JOB)

    assert (request.headers, request.secret_headers) == ({"A": 'a"b&c=d'}, {"B": "t-3"})
