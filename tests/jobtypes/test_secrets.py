"""Secrets come out of a configuration, and go back in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors.exceptions import Invalid
from jobtypes.secrets import MASK, is_secret, keep_secrets, merge_secrets, split_secrets

SCHEMA = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "format": "uri"},
        "mirrors": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "token": {"type": "string", "writeOnly": True},
        "secret_headers": {"type": "object", "writeOnly": True, "additionalProperties": {"type": "string"}},
        "login": {"type": "object", "properties": {"name": {}, "password": {"type": "string", "writeOnly": True}}},
        "plain": {},
    },
}
WHOLE = {
    "url": "https://ann:p%40ss@host/a?b#c",
    "mirrors": ["https://host/", "https://t0ken@host/"],
    "token": "abc",
    "secret_headers": {"X-A": "1", "X/B~": "2"},
    "login": {"name": "ann", "password": "pw"},
    "plain": "kept",
}


def test_secrets_are_masked_and_kept_apart():
    public, secrets = split_secrets(SCHEMA, WHOLE)

    assert public == {
        "url": f"https://ann:{MASK}@host/a?b#c",
        "mirrors": ["https://host/", f"https://{MASK}@host/"],
        "token": MASK,
        "secret_headers": {"X-A": MASK, "X/B~": MASK},
        "login": {"name": "ann", "password": MASK},
        "plain": "kept",
    }
    assert secrets == {
        "/url": "p%40ss",
        "/mirrors/1": "t0ken",
        "/token": "abc",
        "/secret_headers/X-A": "1",
        "/secret_headers/X~1B~0": "2",
        "/login/password": "pw",
    }


def test_what_was_split_can_be_merged():
    assert merge_secrets(*split_secrets(SCHEMA, WHOLE)) == WHOLE


def test_splitting_leaves_the_original_alone():
    before = json.loads(json.dumps(WHOLE))
    split_secrets(SCHEMA, WHOLE)

    assert before == WHOLE


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["http://a:b@c", "//x@y", MASK]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "password", "0", ""]), inner),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(SCHEMA["properties"], VALUES)))
def test_any_configuration_comes_back_as_it_was(configuration):
    public, secrets = split_secrets(SCHEMA, configuration)

    assert merge_secrets(public, json.loads(json.dumps(secrets))) == configuration


@given(st.text(st.characters(codec="utf-8"), min_size=6), st.text(st.characters(codec="utf-8"), min_size=6))
def test_nothing_public_contains_a_secret(token, header):
    public, _ = split_secrets(SCHEMA, {"token": token, "secret_headers": {"X": header}})

    assert public == {"token": MASK, "secret_headers": {"X": MASK}}


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://ann:pw@host/", "https://ann:********@host/"),
        ("https://:pw@host/", "https://:********@host/"),
        ("https://token:@host/", "https://********@host/"),
        ("https://token@host/", "https://********@host/"),
        ("https://a:%ff@host/", "https://a:********@host/"),
        ("https://a:b@c@host/", "https://a:********@host/"),
        ("  https://ann:pw@host/", "  https://ann:********@host/"),
        ("//ann:pw@host/", "//ann:********@host/"),
        ("https://ann:pw@$INPUT_HOST/x@y", "https://ann:********@$INPUT_HOST/x@y"),
        ("https://host/?mail=a@b", "https://host/?mail=a@b"),
        ("https://host/", "https://host/"),
        ("not a url", "not a url"),
    ],
)
def test_user_and_password_of_a_url_are_secret(url, masked):
    public, secrets = split_secrets(SCHEMA, {"url": url})

    assert public == {"url": masked}
    assert merge_secrets(public, secrets) == {"url": url}


def test_a_secret_that_is_sent_back_masked_stays():
    public, secrets = split_secrets(SCHEMA, WHOLE)

    assert keep_secrets(SCHEMA, public, secrets) == WHOLE


def test_a_new_secret_takes_the_place_of_the_old_one():
    _, secrets = split_secrets(SCHEMA, WHOLE)
    new = {"token": "new", "url": f"https://ann:{MASK}@host/new", "secret_headers": {"X-A": MASK, "X-C": "3"}}

    assert keep_secrets(SCHEMA, new, secrets) == {
        "token": "new",
        "url": "https://ann:p%40ss@host/new",
        "secret_headers": {"X-A": "1", "X-C": "3"},
    }


def test_a_whole_object_of_secrets_can_be_kept_by_one_mask():
    _, secrets = split_secrets(SCHEMA, WHOLE)

    assert keep_secrets(SCHEMA, {"secret_headers": MASK}, secrets) == {"secret_headers": {"X-A": "1", "X/B~": "2"}}


@pytest.mark.parametrize(
    ("new", "field"),
    [
        ({"token": MASK}, "configuration.token"),
        ({"secret_headers": {"X-New": MASK}}, "configuration.secret_headers.X-New"),
        ({"url": f"https://ann:{MASK}@host/"}, "configuration.url"),
    ],
)
def test_a_mask_for_which_nothing_is_stored_is_refused(new, field):
    with pytest.raises(Invalid) as refused:
        keep_secrets(SCHEMA, new, {"/other": "x"})

    assert list(refused.value.fields) == [field]


def test_eight_stars_that_are_no_secret_are_just_that():
    assert keep_secrets(SCHEMA, {"plain": MASK}, {}) == {"plain": MASK}


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (["token"], True),
        (["secret_headers", "X"], True),
        (["url"], True),
        (["mirrors", 3], True),
        (["login", "password"], True),
        (["login", "name"], False),
        (["plain"], False),
        (["unknown"], False),
        ([], False),
    ],
)
def test_a_place_says_whether_it_is_secret(path, secret):
    assert is_secret(SCHEMA, path) is secret
