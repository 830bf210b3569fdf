"""What a target's address may be: mail, a webhook of ours, or one of Apprise's services. Pure.

    mailto:ops@example.org,dba@example.org   (or just ops@example.org)    through the house's mail server
    https://hooks.example.org/path                                        a POST of JSON by the house itself
    slack://…  tgram://…  ntfys://…                                       by Apprise, of the schemes in SCHEMES

Apprise knows many more services. Some of them read files of this machine, speak to its desktop or to whatever a name
leads to; what stands here speaks HTTPS or SMTP.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from errors.exceptions import Invalid
from jobtypes.secrets import MASK

__all__ = ["MASK", "Kind", "checked", "kind", "masked", "recipients", "secrets"]

LONGEST = 2_000
MOST_ADDRESSES = 20
SCHEMES = frozenset(
    """
    slack discord tgram workflow workflows gchat webex wxteams zulip line lark feishu dingtalk wecombot twist guilded
    revolt mmost mmosts rocket rockets matrix matrixs nctalk nctalks signal signals
    pagerduty opsgenie splunk victorops squadcast betterstack incidentio signl4 spike pagertree ilert jira goalert
    goalerts pover pbul prowl ifttt gotify gotifys ntfy ntfys hassio hassios apprise apprises
    twilio vonage nexmo sns ses sendgrid mailgun postmark brevo resend mailto mailtos json jsons xml xmls form forms
    """.split()  # noqa: SIM905 -- a list of a hundred quoted words reads worse
)
REFUSED_OPTIONS = frozenset({"attach", "keyfile", "pgp", "pgpkey", "pgppub", "smime", "config", "include"})
"""Options with which a service would read files of this machine."""


class Kind(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


def checked(text: str) -> str:
    """`text` as it is kept. Raises Invalid, which says what of it is wrong and repeats nothing secret.

    Whether a service of Apprise's understands its own parts only Apprise knows (executions.notifications.sender).
    """
    text = text.strip()
    if not text:
        raise _wrong("is empty")
    if len(text) > LONGEST:
        raise _wrong(f"is longer than {LONGEST} characters")
    if not text.isprintable() or " " in text:
        raise _wrong("contains a blank, a line break or another character that no address has")
    if "://" not in text and (text.lower().startswith("mailto:") or ("@" in text and ":" not in text)):
        return _mail(text)
    scheme, separator, _ = text.partition("://")
    scheme = scheme.lower()
    if not separator or not scheme:
        raise _wrong("has no scheme; begin it with https:// or mailto: or, for Slack, with slack://")
    if scheme in ("http", "https"):
        return _webhook(text)
    if scheme not in SCHEMES:
        raise _wrong(
            f"has the scheme {scheme[:20]}, which is none of http, https, mailto, {', '.join(sorted(SCHEMES))}"
        )
    for name, _ in parse_qsl(text.partition("?")[2], keep_blank_values=True):
        if name.lower() in REFUSED_OPTIONS:
            raise _wrong(f"has the option {name[:20]}, which is not allowed: it names a file of the house's machine")
    return text


def kind(url: str) -> Kind:
    """How a checked address is reached."""
    if "://" not in url:
        return Kind.MAIL
    return Kind.WEBHOOK if url.lower().startswith(("http://", "https://")) else Kind.APPRISE


def recipients(url: str) -> list[str]:
    """The mail addresses in a checked ``mailto:``."""
    return url.partition(":")[2].split(",")


def masked(url: str) -> str:
    """What may be shown of a checked address: mail addresses, a webhook's host, an Apprise service's name."""
    match kind(url):
        case Kind.MAIL:
            return url[:500]
        case Kind.WEBHOOK:
            parsed = parse_url(url)
            port = f":{parsed.port}" if parsed.port else ""
            is_bare = parsed.auth is None and not parsed.query and (parsed.path or "/") == "/"
            return f"{parsed.scheme}://{parsed.host}{port}/{'' if is_bare else MASK}"
    return f"{url.partition('://')[0].lower()}://{MASK}"


def secrets(url: str) -> list[str]:
    """The parts of a checked address that must not show in what is told of it: of a mail address none."""
    if kind(url) == Kind.MAIL:
        return []
    try:
        parts = urlsplit(url)
    except ValueError:
        return [url]
    whole = [url, parts.netloc.rpartition("@")[0], parts.path, parts.query]
    pieces = [*parts.netloc.rpartition("@")[0].split(":"), *parts.path.split("/")]
    pieces += [value for _, value in parse_qsl(parts.query)]
    if kind(url) == Kind.APPRISE:  # what stands in the place of a host is a token there, as a rule
        pieces.append(parts.netloc)
    return [part for piece in [*whole, *pieces] if piece.strip("/") for part in {piece, unquote(piece)}]


def _mail(text: str) -> str:
    given = text.partition(":")[2] if text.lower().startswith("mailto:") else text
    if "?" in given:
        raise _wrong("has options after the mail addresses; a mailto: of the house has none")
    found = [unquote(address) for address in given.split(",") if address]
    if not found:
        raise _wrong("names no mail address after mailto:")
    if len(found) > MOST_ADDRESSES:
        raise _wrong(f"names more than {MOST_ADDRESSES} mail addresses")
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise _wrong(f"{address[:100]!r} is no mail address") from None
    return f"mailto:{','.join(found)}"


def _webhook(text: str) -> str:
    try:
        parsed = parse_url(text)
    except LocationParseError:
        raise _wrong("cannot be read: look at its host and its port") from None
    if not parsed.host:
        raise _wrong("names no host after ://")
    if parsed.port == 0:
        raise _wrong("names the port 0, which does not exist")
    return text


def _wrong(message: str) -> Invalid:
    return Invalid.field("url", message)
