"""`/v6/tokens/`: keys for oneself. What a key may do, and how long, never exceeds what its maker may at that moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from config.access import roles, tokens
from config.access.models import Token
from errors.api import rights, values
from errors.api.pagination import CappedPagination
from errors.api.rights import Role
from errors.api.serializers import MomentField, StrictChoice, StrictSerializer, StrictText
from errors.exceptions import Conflict, Forbidden, Invalid, NotFound
from executions import clock

MOST = 100
"""Tokens of one user. Nobody needs more; a program that makes one at every start would never stop."""


class TooMany(Conflict):
    """You have as many tokens as anybody may have; revoke one first."""


class TokenSerializer(StrictSerializer):
    """A token, without its key."""

    id = serializers.IntegerField(read_only=True)
    user = serializers.CharField(source="user.username", read_only=True, help_text="Whose it is.")
    name = StrictText(required=False, allow_blank=True, max_length=100, help_text="What it is for.")
    role = StrictChoice(
        choices=Token.Role.choices, required=False, allow_null=True, help_text="Its most; null: what its user may."
    )
    prefix = serializers.CharField(read_only=True, help_text="The first characters of its key.")
    created = MomentField(read_only=True)
    expires = MomentField(required=False, allow_null=True)
    last_used = MomentField(read_only=True, allow_null=True, help_text="To the minute.")

    def to_representation(self, instance: Token) -> Any:
        return {**super().to_representation(instance), "role": instance.role or None}


class NewTokenSerializer(TokenSerializer):
    """A token that was just made: the only time that its key is shown."""

    key = serializers.CharField(read_only=True)


@extend_schema_view(
    list=extend_schema(
        summary="One's own tokens.",
        parameters=[OpenApiParameter("user", OpenApiTypes.STR, description="Whose tokens; superusers only.")],
    ),
    retrieve=extend_schema(summary="One token, without its key."),
)
class TokenViewSet(GenericViewSet[Token]):
    serializer_class = TokenSerializer
    pagination_class = CappedPagination
    ordering_fields = {name: name for name in ("id", "name", "created", "expires", "last_used")}
    ordering = ("-created", "-id")
    queryset = Token.objects.select_related("user")

    def reachable(self) -> QuerySet[Token]:
        """The tokens that the caller may see and end: their own; a superuser's are all."""
        found = self.get_queryset()
        return found if rights.may(self.request, Role.SUPERUSER) else found.filter(user=_caller(self.request))

    def token(self, pk: int) -> Token:
        """The token of that id; raises NotFound."""
        found = self.reachable().filter(pk=values.integer(str(pk))).first()
        if found is None:
            raise NotFound("Not found.")
        return found

    def list(self, request: Request) -> Response:
        mine = _caller(request)
        name = request.query_params.get("user", mine.username)
        if name != mine.username:
            rights.require(request, Role.SUPERUSER, "Only superusers see the tokens of others.")
        page = self.paginate_queryset(self.filter_queryset(self.reachable().filter(user__username=name)))
        return self.get_paginated_response(TokenSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(TokenSerializer(self.token(pk)).data)

    @extend_schema(
        summary="Make a token for oneself; the answer shows its key, once.",
        request=TokenSerializer,
        responses={201: NewTokenSerializer},
        filters=False,
    )
    def create(self, request: Request) -> Response:
        given, owner = TokenSerializer.read(request), _caller(request)
        if Token.objects.filter(user=owner).count() >= MOST:
            raise TooMany
        role, expires = _role(request, given.get("role")), _expiry(request, given.get("expires"))
        made, key = tokens.create(owner, role=role, name=given.get("name", ""), expires=expires)
        answer = {**TokenSerializer(made).data, "key": key}
        address = request.build_absolute_uri(reverse("token", kwargs={"pk": made.pk}))
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": address})

    @extend_schema(summary="Revoke a token: from now on it opens nothing.", responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        tokens.revoke(self.token(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _caller(request: Request) -> User:
    """Whoever asks, who is known: the policy lets nobody else in."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 -- tells the type checker
    return user


def _role(request: Request, asked: str | None) -> str:
    """The role that a token made by `request` gets. Raises Forbidden for one above what the caller acts in.

    A caller who shows a capped token makes tokens that are capped as that one: a key must not open more by way of
    another key.
    """
    if asked is None:
        return request.auth.role if isinstance(request.auth, Token) else ""
    if not rights.may(request, roles.GROUPS[asked]):
        raise Forbidden(f"You do not act in the role {asked} here.")
    return asked


def _expiry(request: Request, asked: datetime | None) -> datetime | None:
    """When a token made by `request` ends: not later than the token that the caller shows."""
    last = request.auth.expires if isinstance(request.auth, Token) else None
    if asked is None:
        return last
    if asked <= clock.now():
        raise Invalid.field("expires", "must be in the future")
    if last and asked > last:
        raise Invalid.field("expires", "must not be later than that of the token you show")
    return asked
