"""Sending: each kind of message by its own way, and nothing else. No database here, so that nothing waits for one.

Mail goes through Django's mail, a webhook through the house's one way out by HTTP (executions.executors.outbound), and
the rest through Apprise, which takes a second and 50 MB to import: only a short-lived child process does so (child.py),
which reaches no address either that the house's policy refuses.
"""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage

from errors.exceptions import Invalid, Unavailable
from executions.executors import outbound
from executions.executors.addresses import Allowed
from executions.notifications import addresses
from executions.notifications.parcels import Answer, Call, Mail, Parcel, Push
from executions.redaction import Redactor

CHILD_SECONDS = 60.0
"""How long Apprise may take for a batch of messages."""
CHECK_SECONDS = 30.0
"""And to look at an address: a second or two, as a rule, most of which is its import."""
MOST_PUSHES = 8
"""Messages that one child process sends."""
_LONGEST = 500
_PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""Of the environment the child gets what says whose certificates are trusted, and nothing else."""


def send(parcel: Parcel) -> Answer:
    """Send `parcel`; whatever goes wrong is an Answer."""
    match parcel:
        case Mail():
            return _mailed(parcel)
        case Call():
            return _called(parcel)
        case Push():
            return pushed([parcel])[0]


def _mailed(mail: Mail) -> Answer:
    if not settings.MAIL_HOST:
        return Answer(False, "No mail server: the setting MAIL_HOST is empty.")
    body = mail.body.replace("\0", "")
    letter = EmailMessage(" ".join(mail.subject.split()), body, settings.DEFAULT_FROM_EMAIL, list(mail.to))
    try:
        count = letter.send()
    except (OSError, smtplib.SMTPException, BadHeaderError, ValueError) as error:
        return Answer(False, _line(f"{settings.EMAIL_HOST}: {_said(error)}"))
    return Answer(True, f"Handed to {settings.EMAIL_HOST} for {', '.join(mail.to)}") if count else Answer(False, "")


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        refused = (f"{address}: {code} {_text(said)}" for address, (code, said) in error.recipients.items())
        return f"refuses {'; '.join(refused)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _called(call: Call) -> Answer:
    redactor = Redactor([*addresses.secrets(call.request.url), *call.request.secret_headers.values()])
    try:
        allow = Allowed.parse([*settings.OUTBOUND_ALLOW, *call.allowed])
        response = outbound.fetch(call.request, allow=allow)
    except (outbound.OutboundError, ValueError) as error:
        return Answer(False, _line(redactor.text(str(error))))
    body = response.body[:200].decode("utf-8", "replace").strip()
    said = f"{response.status} {response.reason} in {response.seconds:g} s{': ' if body else ''}{body}"
    return Answer(call.takes_any_answer or 200 <= response.status < 300, _line(redactor.text(said)))


# --- Apprise ----------------------------------------------------------------------------------------------------------
def pushed(pushes: Sequence[Push]) -> list[Answer]:
    """Send up to MOST_PUSHES messages by one child process; an answer for each."""
    order = {"send": [{"url": one.url, "title": one.title, "body": one.body} for one in pushes]}
    said, why = _child(order, CHILD_SECONDS)
    answers = [Answer(bool(one["ok"]), str(one["message"])) for one in said]
    answers += [Answer(False, why)] * (len(pushes) - len(answers))
    return [
        Answer(answer.ok, _line(Redactor(addresses.secrets(push.url)).text(answer.message)))
        for push, answer in zip(pushes, answers, strict=True)
    ]


def check(url: str) -> None:
    """Have Apprise look at an address of one of its services. Raises Invalid with what it says, and Unavailable."""
    said, why = _child({"check": url}, CHECK_SECONDS)
    if not said:
        raise Unavailable(f"The address could not be checked: {why}")
    if not said[0]["ok"]:
        raise Invalid.field("url", _line(str(said[0]["message"])))


def _child(order: dict[str, Any], seconds: float) -> tuple[list[dict[str, Any]], str]:
    """What the child process says to `order`, and why it said no more. Addresses go by its input, which nobody sees."""
    order = {**order, "allow": list(settings.OUTBOUND_ALLOW), "seconds": seconds}
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path), "PATH": os.defpath}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "executions.notifications.child"],
            input=json.dumps(order).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=seconds + 5,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return _answers(late.stdout or b""), f"no answer within {seconds:g} s"
    except OSError as error:
        return [], f"the process that sends could not be started: {error.strerror}"
    why = f"no answer within {seconds:g} s" if done.returncode < 0 else f"its process ended with {done.returncode}"
    return _answers(done.stdout), why


def _answers(lines: bytes) -> list[dict[str, Any]]:
    found = []
    for line in lines.splitlines():
        try:
            answer = json.loads(line)
        except ValueError:
            continue  # a service that prints
        if isinstance(answer, dict) and {"ok", "message"} <= answer.keys():
            found.append(answer)
    return found


def _line(text: str) -> str:
    """`text` on one line that fits its column."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST]
