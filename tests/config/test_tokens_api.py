"""`/v6/tokens/`: keys for oneself, which open no more than what their maker may open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from config.access import tokens
from config.access.api.tokens import MOST
from config.access.models import Token
from errors import audit
from tests.builders import a_client, a_user
from tests.config.callers import key_of, user, with_key

pytestmark = pytest.mark.django_db

PATH = "/v6/tokens/"
SOON = timedelta(hours=1)


def made(client, **fields):
    answer = client.post(PATH, fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_the_key_is_shown_once_and_opens_the_house():
    client = a_client("executor", "ada")

    token = made(client, name="laptop", role="reader")
    shown = client.get(f"{PATH}{token['id']}/").json()

    assert token["key"].startswith(token["prefix"])
    assert "key" not in shown
    assert "key" not in client.get(PATH).json()["results"][0]
    assert with_key(token["key"]).get("/v6/jobs/").status_code == 200
    assert with_key(token["key"]).post("/v6/jobs/x/run/").status_code == 403


def test_a_token_is_shown_with_what_is_known_of_it():
    client = a_client("reader", "ada")
    ends = (timezone.now() + SOON).replace(microsecond=0)

    answer = client.post(PATH, {"name": "laptop", "expires": ends.isoformat()})
    token = answer.json()
    with_key(token["key"]).get("/v6/jobs/")
    shown = client.get(answer.headers["Location"]).json()

    assert set(shown) == {"id", "user", "name", "role", "prefix", "created", "expires", "last_used"}
    assert (shown["user"], shown["name"], shown["role"]) == ("ada", "laptop", None)
    assert shown["expires"] == ends.isoformat().replace("+00:00", "Z")
    assert token["last_used"] is None
    assert shown["last_used"]


def test_a_revoked_token_opens_nothing():
    client = a_client()
    token = made(client)

    assert client.delete(f"{PATH}{token['id']}/").status_code == 204
    assert with_key(token["key"]).get("/v6/jobs/").status_code == 401
    assert client.delete(f"{PATH}{token['id']}/").status_code == 404


def test_tokens_of_others_are_not_there():
    other = tokens.create(a_user("reader", "ben"))[0]
    client = a_client("editor", "ada")

    assert [token["user"] for token in client.get(PATH).json()["results"]] == ["ada"]
    assert client.get(f"{PATH}{other.pk}/").status_code == 404
    assert client.delete(f"{PATH}{other.pk}/").status_code == 404
    assert client.get(PATH, {"user": "ben"}).status_code == 403
    assert Token.objects.filter(pk=other.pk).exists()


def test_a_superuser_sees_and_ends_the_tokens_of_others():
    other = tokens.create(a_user("reader", "ben"))[0]
    root = a_client("superuser")

    assert [token["id"] for token in root.get(PATH, {"user": "ben"}).json()["results"]] == [other.pk]
    assert root.delete(f"{PATH}{other.pk}/").status_code == 204


def test_a_token_cannot_be_made_for_more_than_its_maker_may():
    client = a_client("executor")

    assert client.post(PATH, {"role": "editor"}).status_code == 403
    assert made(client, role="executor")["role"] == "executor"


def test_a_capped_token_makes_only_tokens_that_are_capped_as_it_is():
    owner = user("ada", "editor")
    capped = with_key(key_of(owner, role="reader"))

    assert made(capped)["role"] == "reader"
    assert made(capped, role=None)["role"] == "reader"
    assert capped.post(PATH, {"role": "editor"}).status_code == 403


def test_a_token_that_ends_makes_none_that_outlives_it():
    owner, ends = user("ada", "editor"), timezone.now() + SOON
    short = with_key(key_of(owner, expires=ends))

    assert made(short)["expires"][:19] == ends.isoformat()[:19]
    assert short.post(PATH, {"expires": (ends + SOON).isoformat()}).status_code == 400


def test_a_user_who_loses_a_role_loses_it_in_every_token():
    owner = user("ada", "editor")
    client = with_key(key_of(owner))
    key = made(client, role="editor")["key"]
    owner.groups.set([a_user("reader").groups.get()])

    assert with_key(key).post("/v6/jobs/", {}).status_code == 403


def test_the_list_ends_somewhere():
    owner = user("ada", "reader")
    client = with_key(key_of(owner))
    Token.objects.bulk_create(Token(user=owner, prefix="jh_x", digest=f"{number}") for number in range(MOST - 1))

    answer = client.post(PATH, {})

    assert answer.status_code == 409
    assert "revoke one" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"expires": "2001-01-01T00:00:00Z"},
        {"expires": "tomorrow"},
        {"expires": 5},
        {"role": "king"},
        {"role": 3},
        {"name": "x" * 101},
        {"name": "nul \x00"},
        {"key": "jh_mine", "comet": 1},
        [],
        "text",
    ],
)
def test_what_makes_no_sense_is_refused(body):
    assert a_client().post(PATH, body).status_code == 400


def test_a_session_makes_tokens_too_with_its_csrf_token_only():
    owner = user("ada", "reader")
    browser, forged = APIClient(), APIClient(enforce_csrf_checks=True)
    browser.force_login(owner)
    forged.force_login(owner)

    assert browser.post(PATH, {"name": "laptop"}).status_code == 201
    assert forged.post(PATH, {"name": "laptop"}).status_code == 403


def test_making_and_revoking_are_recorded_without_the_key():
    client = a_client("reader", "ada")
    token = made(client, name="laptop")
    client.delete(f"{PATH}{token['id']}/")

    entries = LogEntry.objects.filter(object_id=token["id"], content_type__model="token").select_related("user")
    told = [audit.told(entry) for entry in entries.order_by("pk")]

    assert [(one.action, one.by) for one in told] == [("create", "ada"), ("delete", "ada")]
    assert told[0].after == {"user": "ada", "prefix": token["prefix"], "name": "laptop", "role": "", "expires": None}
    assert not LogEntry.objects.filter(change_message__contains=token["key"]).exists()


# --- In the admin -----------------------------------------------------------------------------------------------------
def in_the_admin(role: str, name: str) -> Client:
    browser, owner = Client(), a_user(role, name)
    owner.is_staff = True
    owner.save()
    browser.force_login(owner)
    return browser


def test_in_the_admin_everybody_who_may_enter_has_their_own_tokens():
    browser = in_the_admin("reader", "ada")
    other = tokens.create(a_user("reader", "ben"), name="of ben")[0]

    answer = browser.post(reverse("admin:access_token_add"), {"name": "laptop", "role": ""}, follow=True)
    page = answer.content.decode()
    mine = Token.objects.get(user__username="ada")

    assert "The key, which cannot be shown again: jh_" in page
    assert "laptop" in page
    assert "of ben" not in page
    assert browser.get(reverse("admin:access_token_change", args=[other.pk])).status_code == 302
    assert browser.post(reverse("admin:access_token_delete", args=[mine.pk]), {"post": "yes"}).status_code == 302
    assert not Token.objects.filter(pk=mine.pk).exists()


def test_in_the_admin_nobody_makes_or_ends_a_token_for_another():
    browser, ben = in_the_admin("editor", "ada"), a_user("reader", "ben")
    other = tokens.create(ben)[0]

    browser.post(reverse("admin:access_token_add"), {"name": "laptop", "role": "", "user": ben.pk})
    browser.post(reverse("admin:access_token_delete", args=[other.pk]), {"post": "yes"})

    assert Token.objects.get(name="laptop").user.username == "ada"
    assert Token.objects.filter(pk=other.pk).exists()


def test_in_the_admin_a_superuser_sees_all_tokens_and_each_revocation_is_recorded_once():
    browser, other = Client(), tokens.create(a_user("reader", "ben"), name="of ben")[0]
    browser.force_login(a_user("superuser", "root"))
    before = LogEntry.objects.count()

    assert "of ben" in browser.get(reverse("admin:access_token_changelist")).content.decode()
    browser.post(reverse("admin:access_token_delete", args=[other.pk]), {"post": "yes"})

    assert not Token.objects.filter(pk=other.pk).exists()
    assert LogEntry.objects.count() == before + 1


def test_the_admin_is_closed_to_those_who_may_not_enter():
    browser = Client()
    browser.force_login(a_user("editor"))

    assert browser.get(reverse("admin:access_token_changelist")).status_code == 302
