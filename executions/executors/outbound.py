"""The house's one way out by HTTP: jobs now, notifications later. Nothing else here opens a connection.

    fetch --> parse URL --> resolve once --> check every address --> connect to a checked one --> read at most 10 MiB
       ^                                                                                                |
       '------------------------- redirect, at most three, each checked anew ---------------------------'

Guarantees: http and https only; no address is reached that `Allowed` refuses, whatever a name, a redirect or a second
look at DNS says; TLS is verified for the name of the URL; proxies, netrc and the like of the environment have no say;
what is secret goes to the first origin only and shows in no message; the whole exchange ends in time, even when the
other side sends a byte a second; `X-Jobhouse-Hops` ends loops. No Django here: what is allowed is an argument.
"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urljoin

import certifi
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from executions.executors.addresses import Allowed, canonical, read

TIMEOUT = 30.0  # seconds, for the whole exchange
MAX_BODY = 10 * 1024 * 1024  # bytes of a response that are read
MAX_REDIRECTS = 3
MAX_HOPS = 10
HOPS_HEADER = "X-Jobhouse-Hops"
PORTS = {"http": 80, "https": 443}
CREDENTIALS = {"authorization", "proxy-authorization", "cookie", "host", "x-api-key", "x-auth-token", "x-dkron-token"}
FRAMING = {"content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "keep-alive"}
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

Place = tuple[int, Any]
"""A checked socket address: its family and what `socket.connect` takes."""
Resolver = Callable[..., list[tuple[Any, ...]]]


class OutboundError(Exception):
    """The exchange did not come about. The message is one line for people and free of secrets."""


class Unusable(OutboundError):
    """The request can never be sent as it stands: its URL, method or a header is wrong."""


class Forbidden(OutboundError):
    """The URL leads to an address that the house does not reach."""

    def __init__(self, host: str, address: str, kind: str) -> None:
        self.address = address
        where = host if host.strip("[]") == address else f"{host} is {address} and"
        super().__init__(f"{where} not reached: a {kind} address that OUTBOUND_ALLOW does not list")


class TooManyRedirects(OutboundError):
    """More redirects than are followed."""


class TooManyHops(OutboundError):
    """The call is part of a loop: it has come through the house too often."""


class TimedOut(OutboundError):
    """The whole exchange took longer than its time limit."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM on this machine: whom to be (certificate and key, which may be one file), and whom to trust."""

    certificate: str | None = None
    key: str | None = None
    roots: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. User and password of the URL go out as HTTP Basic; they, `secret_headers` and other credentials
    go to the first origin only."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = TIMEOUT
    """Seconds for everything together: resolving, connecting, redirects, reading."""
    hops: int = 0
    """How many calls of this kind already led here; a higher count in the headers wins."""
    redirects: int = MAX_REDIRECTS
    """How many redirects to follow; 0 returns the redirect itself."""
    verify_tls: bool = True
    certificates: Certificates = Certificates()


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; of the body at most MAX_BODY bytes."""

    status: int
    reason: str
    version: str
    """``HTTP/1.1`` or the like."""
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    """The body was longer than what was read."""
    url: str
    """Where it came from after redirects, without user and password."""
    seconds: float


def fetch(request: Request, *, allow: Allowed | None = None, resolve: Resolver = socket.getaddrinfo) -> Response:
    """Send `request` and read the answer, whatever its status.

    Raises an OutboundError: `Forbidden`, `TimedOut`, `TooManyRedirects`, `TooManyHops`, `Unusable`, or itself when
    the connection failed. `resolve` has the signature of `socket.getaddrinfo`.
    """
    begun = time.monotonic()
    deadline = Deadline(begun + request.timeout, request.timeout)
    url = _parse(request.url)
    headers = _headers(request, url)
    for _ in range(request.redirects + 1):
        places = check(url, allow or Allowed(), deadline, resolve)
        response, location = _exchange(request, url, headers, places, deadline, begun)
        if location is None or request.redirects == 0:
            return response
        following = _parse(_joined(url, location))
        request, headers = _redirected(request, headers, response.status, url, following)
        url = following
    raise TooManyRedirects(f"more than {request.redirects} redirects, the last one to {_place(url)}")


def check(url: Url, allow: Allowed, deadline: Deadline, resolve: Resolver) -> list[Place]:
    """Where to connect for `url`. Raises Forbidden when any address of its host must not be reached."""
    host, port = str(url.host), _port(url)
    places: list[Place] = []
    for family, _, _, _, place in deadline.look_up(resolve, host.strip("[]"), port):
        if kind := allow.refusal(host, read(place[0]), port):
            raise Forbidden(host, place[0], kind)
        places.append((family, place))
    return places


class Deadline:
    """A moment by which everything must be over."""

    def __init__(self, at: float, seconds: float) -> None:
        self.at, self.seconds = at, seconds

    def left(self) -> float:
        """Seconds left; raises TimedOut when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimedOut(f"no complete answer within {self.seconds:g} s")
        return left

    def look_up(self, resolve: Resolver, host: str, port: int) -> list[tuple[Any, ...]]:
        """Call `resolve` in a thread of its own, since name look-ups know no time limit; give it up when time is up."""
        answer: list[Any] = []

        def ask() -> None:
            try:
                answer.append(resolve(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                answer.append(error)

        thread = threading.Thread(target=ask, daemon=True, name="outbound-resolve")
        thread.start()
        thread.join(self.left())
        if not answer:
            raise TimedOut(f"the name {host} did not resolve within {self.seconds:g} s")
        if isinstance(answer[0], Exception) or not answer[0]:
            raise OutboundError(f"the name {host} does not resolve")
        return list(answer[0])

    @contextmanager
    def guard(self, sock: socket.socket) -> Iterator[None]:
        """Cut `sock` off when time is up.

        A timeout of a socket counts from byte to byte, so it never ends a peer that drips. The cut goes through a
        duplicate, because the TLS layer takes the original over.
        """
        duplicate = sock.dup()

        def cut() -> None:
            with suppress(OSError):
                duplicate.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self.left(), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # it must not cut a number that another connection got since
            duplicate.close()


class _PinnedHTTP(HTTPConnection):
    """A connection over a socket that is already connected; the name it was made with counts for everything else."""

    pinned: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.pinned


class _PinnedHTTPS(HTTPSConnection):
    """The same with TLS: the server's name indication and certificate are checked for the name of the URL."""

    pinned: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.pinned


def _exchange(
    request: Request, url: Url, headers: HTTPHeaderDict, places: list[Place], deadline: Deadline, begun: float
) -> tuple[Response, str | None]:
    """One request, one answer, and where it redirects to."""
    try:
        with (
            closing(_connect(places, deadline)) as sock,
            deadline.guard(sock),
            closing(_connection(request, url, sock, deadline)) as connection,
        ):
            with suppress(BrokenPipeError):  # it may answer before it has read everything
                connection.request(request.method, url.request_uri, request.body, headers, preload_content=False)
            with closing(connection.getresponse()) as answer:
                location = answer.get_redirect_location() or None
                body = b"" if location and request.redirects else answer.read(MAX_BODY + 1, decode_content=True)
        deadline.left()  # a connection that was cut off may look like the end of the body
    except (OSError, http.client.HTTPException, HTTPError) as error:
        deadline.left()
        raise OutboundError(f"{_place(url)}: {_reason(error)}") from error
    return Response(
        status=answer.status,
        reason=answer.reason or "",
        version=f"HTTP/{answer.version // 10}.{answer.version % 10}",
        headers=answer.headers,
        body=body[:MAX_BODY],
        truncated=len(body) > MAX_BODY,
        url=url._replace(auth=None, fragment=None).url,
        seconds=round(time.monotonic() - begun, 3),
    ), location


def _connect(places: list[Place], deadline: Deadline) -> socket.socket:
    """A socket connected to the first of `places` that answers; each gets its share of the time that is left."""
    for waiting, (family, place) in zip(range(len(places), 0, -1), places, strict=True):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left() / waiting)
            sock.connect(place)
            sock.settimeout(deadline.left())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError) or waiting == 1:
                raise
    raise OutboundError("there is no address to connect to")


def _connection(request: Request, url: Url, sock: socket.socket, deadline: Deadline) -> HTTPConnection:
    host, port = str(url.host).strip("[]"), _port(url)
    if url.scheme == "https":
        context = _tls(request.verify_tls, request.certificates)
        tls = _PinnedHTTPS(host, port, timeout=deadline.left(), ssl_context=context)
        tls.pinned = sock
        return tls
    plain = _PinnedHTTP(host, port, timeout=deadline.left())
    plain.pinned = sock
    return plain


@lru_cache(maxsize=2)
def _tls(verify: bool, certificates: Certificates = Certificates()) -> ssl.SSLContext:
    """Raises Unusable for files that cannot be read."""
    context = ssl.create_default_context()
    try:
        if certificates.roots:
            context.load_verify_locations(certificates.roots)
        if certificates.certificate:
            context.load_cert_chain(certificates.certificate, certificates.key or None, password=_no_password)
    except (OSError, ValueError) as error:  # what is in them is nobody's business
        reason = (error.strerror if isinstance(error, OSError) else None) or "they cannot be read"
        raise Unusable(f"the TLS files cannot be used: {reason}") from None
    if verify:
        context.load_verify_locations(certifi.where())  # besides the system's, which a slim image may lack
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_password() -> str:
    """Asked for the password of a key: without this OpenSSL would ask at the terminal."""
    raise ValueError("the key has a password")


def _parse(text: str) -> Url:
    try:
        url = parse_url(text)
    except LocationParseError:
        raise Unusable("the URL cannot be read") from None  # its message would show the URL, password and all
    if url.scheme not in PORTS:
        raise Unusable(f"only http and https are called, not {url.scheme or 'a URL without scheme'}")
    if not url.host:
        raise Unusable("the URL names no host")
    return url


def _joined(url: Url, location: str) -> str:
    try:
        return urljoin(url.url, location)
    except ValueError:
        raise Unusable(f"{_place(url)} redirects to a URL that cannot be read") from None


def _headers(request: Request, url: Url) -> HTTPHeaderDict:
    """The headers to send, checked. Raises Unusable, and TooManyHops where this call would be one too many."""
    if not _TOKEN.fullmatch(request.method) or request.method == "CONNECT":
        raise Unusable(f"{request.method[:20]!r} is not a method to call with")
    headers = HTTPHeaderDict({"User-Agent": "Jobhouse", "Accept": "*/*", "Accept-Encoding": "identity"})
    if url.auth is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(unquote(url.auth).encode()).decode()
    for name, value in [*request.headers.items(), *request.secret_headers.items()]:
        if not _TOKEN.fullmatch(name) or name.lower() in FRAMING:
            raise Unusable(f"the header {name[:40]!r} cannot be set")
        if _CONTROL.search(value):
            raise Unusable(f"the value of the header {name} contains a line break or another control character")
        headers[name] = value.strip().encode("utf-8", "replace").decode("latin-1")  # http.client sends latin-1
    hops = max(request.hops, _number(headers.get(HOPS_HEADER, "0"))) + 1
    if hops > MAX_HOPS:
        raise TooManyHops(f"the call has come through this house {hops - 1} times: it goes round in a loop")
    headers[HOPS_HEADER] = str(hops)
    headers["Connection"] = "close"
    return headers


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Unusable(f"the header {HOPS_HEADER} is not a number")
    return int(text)


def _redirected(
    request: Request, headers: HTTPHeaderDict, status: int, old: Url, new: Url
) -> tuple[Request, HTTPHeaderDict]:
    """Request and headers for the next address: a form is not posted twice, and secrets stay with their origin."""
    headers = headers.copy()
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        request = replace(request, method="GET", body=None)
        for name in [name for name in headers if name.lower().startswith("content-")]:
            del headers[name]
    if _origin(new) not in (_origin(old), ("https", _origin(old)[1], 443) if _origin(old)[2] == 80 else None):
        for name in (*CREDENTIALS, *request.secret_headers):
            headers.discard(name)
    return request, headers


def _origin(url: Url) -> tuple[str, str, int]:
    return str(url.scheme), canonical(str(url.host)), _port(url)


def _port(url: Url) -> int:
    return PORTS[str(url.scheme)] if url.port is None else url.port


def _place(url: Url) -> str:
    return f"{url.host}:{_port(url)}"


def _reason(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.splitlines()[0][:200]
