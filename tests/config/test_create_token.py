"""`create_token`: prints a key that works, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from config.access.lifetime import lifetime
from config.access.models import Token
from tests.config.callers import user, with_key


def create(*arguments: str) -> str:
    out = StringIO()
    call_command("create_token", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.django_db
def test_it_makes_the_user_and_prints_only_the_key():
    printed = create("ada")

    assert printed.endswith("\n")
    assert printed.count("\n") == 1
    assert with_key(printed.strip()).get("/v6/errors/").status_code == 200
    assert not User.objects.get(username="ada").has_usable_password()


@pytest.mark.django_db
def test_a_new_user_without_a_role_is_an_editor_whose_token_is_not_capped():
    create("ada")

    assert list(User.objects.get(username="ada").groups.values_list("name", flat=True)) == ["editor"]
    assert Token.objects.get().role == ""


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["reader", "executor", "editor"])
def test_a_role_is_given_to_the_user_and_caps_the_token(role):
    create("ada", "--role", role)

    assert list(User.objects.get(username="ada").groups.values_list("name", flat=True)) == [role]
    assert Token.objects.get().role == role


@pytest.mark.django_db
def test_a_user_who_holds_a_higher_role_keeps_it():
    user("ada", "editor")

    create("ada", "--role", "reader")

    assert list(User.objects.get(username="ada").groups.values_list("name", flat=True)) == ["editor"]
    assert Token.objects.get().role == "reader"


@pytest.mark.django_db
def test_it_makes_another_token_each_time_and_the_old_ones_go_on():
    first, second = create("ada").strip(), create("ada").strip()

    assert first != second
    assert with_key(first).get("/v6/errors/").status_code == 200


@pytest.mark.django_db
def test_a_token_expires_when_it_was_said_to():
    create("ada", "--expires", "30d")

    left = Token.objects.get().expires - timezone.now()
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5d", "0d", "30 days", "99999999w", "1y"])
def test_a_duration_that_means_nothing_is_refused_and_makes_nothing(text):
    with pytest.raises(CommandError, match="expires"):
        create("ada", f"--expires={text}")

    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a b", "", "x" * 151, "a\x00b"])
def test_a_name_that_no_user_can_have_is_refused(name):
    with pytest.raises(CommandError):
        create(name)

    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_user_who_was_deactivated_gets_no_token():
    user("ada", is_active=False)

    with pytest.raises(CommandError, match="not active"):
        create("ada")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("45m", timedelta(minutes=45)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("8W", timedelta(weeks=8)),
    ],
)
def test_durations_are_a_number_and_a_unit(text, span):
    assert lifetime(text) == span
