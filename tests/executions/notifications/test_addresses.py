"""What a target's address may be, what is said of a wrong one, and what is shown of a good one."""

from __future__ import annotations

import apprise
import pytest

from errors.exceptions import Invalid
from executions.notifications.addresses import SCHEMES, checked, kind, masked, recipients, secrets

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


@pytest.mark.parametrize(
    ("given", "kept", "shown", "how"),
    [
        ("ops@example.org", "mailto:ops@example.org", "mailto:ops@example.org", "mail"),
        (" mailto:a@x.org,b@x.org ", "mailto:a@x.org,b@x.org", "mailto:a@x.org,b@x.org", "mail"),
        ("https://example.org", "https://example.org", "https://example.org/", "webhook"),
        ("https://example.org/T/123", "https://example.org/T/123", "https://example.org/********", "webhook"),
        ("http://u:p@example.org:8080/", "http://u:p@example.org:8080/", "http://example.org:8080/********", "webhook"),
        ("http://[::1]:80/?key=1", "http://[::1]:80/?key=1", "http://[::1]:80/********", "webhook"),
        (SLACK, SLACK, "slack://********", "apprise"),
        ("NTFYS://topic", "NTFYS://topic", "ntfys://********", "apprise"),
    ],
)
def test_an_address_is_kept_and_shown_without_what_is_secret(given, kept, shown, how):
    assert checked(given) == kept
    assert masked(kept) == shown
    assert kind(kept) == how


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "is empty"),
        ("example.org/hook", "has no scheme"),
        ("://x", "has no scheme"),
        ("https://", "names no host"),
        ("https:///path", "names no host"),
        ("https://example.org:99999/", "port"),
        ("https://example.org:0/", "port 0"),
        ("mailto:", "names no mail address"),
        ("mailto:nobody", "'nobody' is no mail address"),
        ("a@x.org,@", "'@' is no mail address"),
        ("mailto:a@x.org?subject=x", "options"),
        (",".join(f"a{n}@x.org" for n in range(21)), "more than 20"),
        ("file:///etc/passwd", "has the scheme file"),
        ("syslog://", "has the scheme syslog"),
        ("dbus://", "has the scheme dbus"),
        ("fcm://project/device?keyfile=/etc/passwd", "has the scheme fcm"),
        ("javascript://x", "has the scheme javascript"),
        ("mailtos://u:p@x.org?pgpkey=/etc/passwd", "has the option pgpkey"),
        ("json://x.org?attach=/etc/passwd", "has the option attach"),
        ("https://x.org/\nHost: evil", "line break"),
        ("https://x.org/\0", "character"),
        ("https://x.org/ x", "blank"),
        ("mailto:a@x.org\r\nBcc:b@x.org", "line break"),
        ("https://x.org/" + "a" * 2000, "longer than 2000"),
    ],
)
def test_a_wrong_address_is_refused_with_its_wrong_part(given, says):
    with pytest.raises(Invalid) as refused:
        checked(given)

    assert says in refused.value.fields["url"][0]


def test_what_is_refused_does_not_repeat_a_password():
    with pytest.raises(Invalid) as refused:
        checked("https://user:topsecret@example.org:99999/")

    assert "topsecret" not in refused.value.message


def test_every_part_that_may_be_secret_is_known_as_such():
    found = secrets("https://user:pass%20word@example.org/hooks/T0k3n?key=v4lue")

    assert {"user:pass%20word", "pass word", "T0k3n", "v4lue"} <= set(found)
    assert "example.org" not in found
    assert "topsecrettopic" in secrets("ntfy://topsecrettopic")
    assert secrets("mailto:a@x.org") == []
    assert recipients("mailto:a@x.org,b@x.org") == ["a@x.org", "b@x.org"]


def test_apprise_knows_every_scheme_that_is_allowed():
    known = {
        scheme
        for service in apprise.Apprise().details()["schemas"]
        for scheme in (*(service["protocols"] or ()), *(service["secure_protocols"] or ()))
    }

    assert sorted(SCHEMES - known) == []
