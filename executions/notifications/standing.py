"""What the settings have sent for every run, as Dkron's server-wide settings do: mail to the owner and a webhook after
a run, a webhook before it, and Cronitor's telemetry at both ends.

Each is called by a name here, as targets are by theirs; those of targets never begin with ``settings:``.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from executions import output
from executions.executors.outbound import PORTS, Request
from executions.models import Execution
from executions.notifications import template
from executions.notifications.models import NotificationRule
from executions.notifications.parcels import Call, Mail, Parcel
from executions.states import Status
from jobs.models import Job

PREFIX = "settings:"
OWNER_MAIL = f"{PREFIX} mail to the owner"
WEBHOOK = f"{PREFIX} webhook"
PRE_WEBHOOK = f"{PREFIX} pre-webhook"
CRONITOR = f"{PREFIX} cronitor"

_Event = NotificationRule.Event


def orders() -> list[tuple[str, str]]:
    """Which events go where by the settings in force."""
    told = settings.NOTIFY_EVERY_RUN
    wanted = [
        (told["mail"], _Event.END, OWNER_MAIL),
        (told["webhook_endpoint"] and told["webhook_payload"], _Event.END, WEBHOOK),
        (told["pre_webhook_endpoint"] and told["pre_webhook_payload"], _Event.START, PRE_WEBHOOK),
        (told["cronitor_endpoint"], _Event.START, CRONITOR),
        (told["cronitor_endpoint"], _Event.END, CRONITOR),
    ]
    return [(event, name) for is_wanted, event, name in wanted if is_wanted]


def applies(name: str, job: Job) -> bool:
    """Whether there is anything to send for `job`: to an owner without an address there is not."""
    return bool(job.owner_email) if name == OWNER_MAIL else True


def parcel(name: str, event: str, job: Job, execution: Execution) -> Parcel | None:
    """What goes to `name`; None where the settings have nothing sent there any more."""
    told = settings.NOTIFY_EVERY_RUN
    if (event, name) not in orders():
        return None
    if name == CRONITOR:
        return _cronitor(told["cronitor_endpoint"], event, job, execution)
    said = fields(job, execution)
    if name == OWNER_MAIL:
        word = "Success" if execution.status == Status.COMPLETED else "Failed"
        subject = f"{told['mail_subject_prefix']}{word} {job.name} execution report"
        body = template.render(told["mail_payload"], said) if told["mail_payload"] else said["Output"]
        return Mail((job.owner_email,), subject, body)
    which = "webhook" if name == WEBHOOK else "pre_webhook"
    body = template.render(told[f"{which}_payload"], said)
    return _call("POST", told[f"{which}_endpoint"], told[f"{which}_headers"], body.encode("utf-8", "replace"))


def fields(job: Job, execution: Execution) -> Mapping[str, str]:
    """The fields of the texts in the settings, of a run that has ended or is about to start."""
    said = {
        "JobName": job.name,
        "ReportingNode": socket.gethostname(),
        "StartTime": template.moment(execution.started),
        "FinishedAt": template.moment(execution.ended),
        "Success": template.boolean(execution.status == Status.COMPLETED),
        "NodeName": _node(execution),
        "Output": "".join(output.text(execution)),
    }
    return said | {"Report": _report(said, execution)}


def _report(said: Mapping[str, str], execution: Execution) -> str:
    lines = [
        f"Executed: {said['JobName']}",
        f"Reporting node: {said['ReportingNode']}",
        f"Start time: {said['StartTime']}",
        f"End time: {said['FinishedAt']}",
        f"Success: {said['Success']}",
        f"Node: {said['NodeName']}",
        f"Output: {said['Output']}",
        f"Execution group: {execution.group}",
    ]
    for one in Execution.objects.runs().filter(group=execution.group).select_related("worker").order_by("slot"):
        success = template.boolean(one.status == Status.COMPLETED)
        start, end = template.moment(one.started), template.moment(one.ended)
        lines.append(f"\t[Node]: {_node(one)} [Start]: {start} [End]: {end} [Success]: {success}")
    return "\n".join(lines) + "\n"


def _node(execution: Execution) -> str:
    return execution.worker.name if execution.worker else ""


def _cronitor(endpoint: str, event: str, job: Job, execution: Execution) -> Call:
    word = "run" if event == _Event.START else "complete"
    state = "fail" if word == "complete" and execution.status != Status.COMPLETED else word
    query = {"host": _node(execution), "message": f"Job {word} by Jobhouse", "series": execution.pk, "state": state}
    return _call("GET", f"{endpoint.rstrip('/')}/{quote(job.name, safe='')}?{urlencode(query)}", (), None)


def _call(method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes | None) -> Call:
    """A call whose answer does not matter. Whoever sets the house up has allowed this one address by naming it."""
    place = urlsplit(url)
    request = Request(method, url, secret_headers=dict(headers), body=body, timeout=10.0)
    allowed = f"{_bracketed(place.hostname or '')}:{place.port or PORTS[place.scheme]}"
    return Call(request, allowed=(allowed,), takes_any_answer=True)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
