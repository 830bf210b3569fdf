"""The house as a cluster: who is there, who leads, and what is done with all jobs at once."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from config.dialects.dkron import errors, nodes, restore, words
from config.dialects.dkron.schema import ANYTHING, FILE, MEMBER, MEMBERS, PAUSED, TAGS, WORD
from config.dialects.dkron.views.base import DkronView
from config.dialects.models import keep, kept_by
from executions import clock


class Index(DkronView):
    @extend_schema(operation_id="dkron", tags=TAGS, responses=ANYTHING, summary="The state of this node.")
    def get(self, request: Request) -> HttpResponse:
        return self.answer(nodes.status(clock.now()))


class Members(DkronView):
    @extend_schema(operation_id="dkron_members", tags=TAGS, responses=MEMBERS, summary="The machines of the house.")
    def get(self, request: Request) -> HttpResponse:
        return self.listing(nodes.members(clock.now()))


class Leader(DkronView):
    @extend_schema(operation_id="dkron_leader", tags=TAGS, responses=MEMBER, summary="The machine that answers.")
    def get(self, request: Request) -> HttpResponse:
        return self.answer(nodes.leader(clock.now()))


class IsLeader(DkronView):
    @extend_schema(operation_id="dkron_isleader", tags=TAGS, responses=WORD, summary="Every one that answers leads.")
    def get(self, request: Request) -> HttpResponse:
        return self.answer(nodes.LEADER)


class Leave(DkronView):
    @extend_schema(
        operation_id="dkron_leave", tags=TAGS, request=None, responses=MEMBERS, summary="Does nothing; who is there."
    )
    def post(self, request: Request) -> HttpResponse:
        return self.answer(nodes.members(clock.now()))


class PauseView(DkronView):
    def shown(self) -> HttpResponse:
        return self.answer({"paused": bool(kept_by(words.DOOR).get("paused"))})

    def set(self, paused: bool) -> HttpResponse:
        keep(words.DOOR, paused=paused)
        return self.shown()


class Pause(PauseView):
    @extend_schema(
        operation_id="dkron_paused", tags=TAGS, responses=PAUSED, summary="Whether jobs may be made and changed here."
    )
    def get(self, request: Request) -> HttpResponse:
        return self.shown()

    @extend_schema(
        operation_id="dkron_pause", tags=TAGS, request=None, responses=PAUSED, summary="Take no jobs at this door."
    )
    def post(self, request: Request) -> HttpResponse:
        return self.set(True)


class Unpause(PauseView):
    @extend_schema(operation_id="dkron_unpause", tags=TAGS, request=None, responses=PAUSED, summary="Take jobs again.")
    def post(self, request: Request) -> HttpResponse:
        return self.set(False)


class Restore(DkronView):
    @extend_schema(
        operation_id="dkron_restore", tags=TAGS, request=FILE, responses=WORD, summary="Jobs from an export."
    )
    def post(self, request: Request) -> HttpResponse:
        sent = request._request.FILES.get("file")
        if sent is None:
            return errors.empty(404)
        return self.answer(restore.restore(sent.read(), by=self.caller, now=clock.now()))


class Variables(DkronView):
    @extend_schema(
        operation_id="dkron_debug_vars", tags=TAGS, responses=ANYTHING, summary="Counters of the process that answers."
    )
    def get(self, request: Request) -> HttpResponse:
        return self.answer(nodes.process())
