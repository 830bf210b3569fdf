"""The child process that knows Apprise: `python -m executions.notifications.child`, told by JSON on its input.

    {"send": [{"url", "title", "body"}, …]}  or  {"check": URL}, and {"allow": OUTBOUND_ALLOW, "seconds": 60}

It answers a line of JSON for each: {"ok": true|false, "message": text}. Whatever a service does, this process connects
only to addresses that the house's policy allows, by any host name and after any redirect, and to no socket of this
machine; it ends by itself when its time is up. Its environment holds nothing: no proxies, no keys.
"""

from __future__ import annotations

import json
import logging
import signal
import socket
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import apprise

from executions.executors.addresses import Allowed, read
from executions.executors.process.family import keep_private

FORBIDDEN = frozenset(
    "socket.sendto socket.sendmsg subprocess.Popen os.system os.exec os.posix_spawn os.fork os.spawn".split()  # noqa: SIM905
)
"""What no service needs that speaks HTTPS or SMTP, by the names of Python's audit events."""


class Refused(OSError):
    """An address that the house does not reach."""


class _Heard(logging.Handler):
    """Keeps what Apprise logs while it sends: it says nothing else about why it could not."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    order = json.load(sys.stdin)
    keep_private()
    signal.setitimer(signal.ITIMER_REAL, float(order["seconds"]))
    guard(Allowed.parse(order["allow"]))
    answers = [checked(order["check"])] if "check" in order else sent(order["send"])
    for answer in answers:
        print(json.dumps(answer), flush=True)


def guard(allow: Allowed) -> None:
    """From now on this process connects only where `allow` lets it: an audit hook sees every connection, whoever makes
    it.
    """
    names: dict[str, set[str]] = defaultdict(set)
    resolve = socket.getaddrinfo

    def remembered(host: Any, *args: Any, **kwargs: Any) -> Any:
        found = resolve(host, *args, **kwargs)
        for *_, place in found:
            names[str(place[0])].add(host.decode() if isinstance(host, bytes) else str(host or ""))
        return found

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FORBIDDEN:
            raise Refused(f"{event} is not allowed")
        if event != "socket.connect":
            return
        place = arguments[1]
        try:
            address, port = read(str(place[0])), int(place[1])
        except (ValueError, TypeError, IndexError):
            raise Refused("only internet addresses are connected to") from None
        kinds = [allow.refusal(name, address, port) for name in (*names[str(place[0])], str(address))]
        if None not in kinds:
            raise Refused(f"not reached: {address} is a {kinds[0]} address that OUTBOUND_ALLOW does not list")

    socket.getaddrinfo = remembered
    sys.addaudithook(look)


def checked(url: str) -> dict[str, Any]:
    """Whether Apprise understands `url`; if not, what it says is wrong, or which parts it expects."""
    try:
        if apprise.Apprise.instantiate(url, suppress_exceptions=False):
            return {"ok": True, "message": ""}
        problem = ""
    except Exception as error:  # noqa: BLE001 -- its services raise what they like
        problem = str(error)
    parts = " or ".join(_templates(url.partition("://")[0].lower()))
    return {"ok": False, "message": f"{problem or 'a part is missing or wrong'} (expected {parts})"}


def _templates(scheme: str) -> Iterator[str]:
    for service in apprise.Apprise().details()["schemas"]:
        if scheme in (*(service["protocols"] or ()), *(service["secure_protocols"] or ())):
            for template in service["details"]["templates"][:3]:
                yield template.replace("{schema}", scheme)


def sent(messages: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Send each; how it went."""
    heard = _Heard()
    log = logging.getLogger("apprise")
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    asset = apprise.AppriseAsset(
        app_id="Jobhouse", app_desc="Jobhouse", app_url="", async_mode=False, storage_mode="memory", plugin_paths=[]
    )
    for message in messages:
        heard.lines.clear()
        try:
            service = apprise.Apprise(asset=asset)
            ok = service.add(message["url"]) and service.notify(body=message["body"], title=message["title"])
        except Exception as error:  # noqa: BLE001 -- its services raise what they like
            ok = False
            heard.lines.append(f"{type(error).__name__}: {error}")
        said = " ".join(heard.lines[-5:])
        yield {"ok": bool(ok), "message": said or ("Sent." if ok else "It was not sent.")}


if __name__ == "__main__":
    main()
