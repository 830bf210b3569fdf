"""The one way out by HTTP, against real servers."""

from __future__ import annotations

import datetime
import gzip
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from executions.executors import outbound
from executions.executors.addresses import Allowed
from executions.executors.outbound import Request, fetch
from tests.executions.executors.http_server import Call, serve

LOOPBACK = Allowed.parse(["127.0.0.1"])
DAY = datetime.timedelta(days=1)


def hello(call: Call) -> None:
    call.answer(200, b"hello")


def redirect_to(url: str, status: int = 302):
    return lambda call: call.answer(status, b"moved", Location=url)


def answers(*addresses: str):
    """A resolver that gives these addresses for every name."""

    def resolve(host, port, **_):
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]

    return resolve


# What is asked for, and what comes back


def test_an_answer_comes_back_whole():
    with serve(lambda call: call.answer(404, b"none here", X_Extra="1")) as server:
        response = fetch(Request("GET", server.url("/a?b=c")), allow=LOOPBACK)

    assert (response.status, response.reason, response.body) == (404, "Not Found", b"none here")
    assert response.headers["x-extra"] == "1"
    assert not response.truncated
    assert server.calls[0].path == "/a?b=c"


def test_method_headers_and_body_are_sent():
    with serve(hello) as server:
        fetch(Request("PUT", server.url(), {"X-Name": "Zoë"}, body=b"\x00data"), allow=LOOPBACK)

    (call,) = server.calls
    assert (call.command, call.received) == ("PUT", b"\x00data")
    assert call.headers["X-Name"].encode("latin-1").decode() == "Zoë"
    assert call.headers["Host"] == f"127.0.0.1:{server.port}"


def test_user_and_password_of_the_url_are_sent_as_basic_and_shown_nowhere():
    with serve(hello) as server:
        request = Request("GET", server.url(host="ann:p%40ss@127.0.0.1"))
        response = fetch(request, allow=LOOPBACK)

    assert server.calls[0].headers["Authorization"] == "Basic YW5uOnBAc3M="
    assert "p%40ss" not in response.url + repr(request)


def test_proxies_and_netrc_of_the_environment_have_no_say(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serve(hello) as server:
        fetch(Request("GET", server.url()), allow=LOOPBACK)

    assert server.calls[0].headers["Authorization"] is None


def test_a_compressed_answer_is_unpacked_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(outbound, "MAX_BODY", 1000)
    bomb = gzip.compress(b"0" * 50_000_000)
    with serve(lambda call: call.answer(200, bomb, Content_Encoding="gzip")) as server:
        response = fetch(Request("GET", server.url()), allow=LOOPBACK)

    assert response.body == b"0" * 1000
    assert response.truncated


def test_of_a_big_body_the_limit_is_read_and_no_more():
    sent = []

    def endless(call: Call) -> None:
        call.send_response(200)
        call.end_headers()
        for _ in range(1000):
            call.wfile.write(b"x" * 1024 * 1024)
            sent.append(1)

    with serve(endless) as server:
        response = fetch(Request("GET", server.url()), allow=LOOPBACK)

    assert len(response.body) == 10 * 1024 * 1024
    assert response.truncated
    assert len(sent) < 30


def test_a_body_that_breaks_off_is_a_failure():
    with (
        serve(lambda call: call.answer(200, b"half", Content_Length="8")) as server,
        pytest.raises(outbound.OutboundError, match=rf"^127\.0\.0\.1:{server.port}: "),
    ):
        fetch(Request("GET", server.url()), allow=LOOPBACK)


def test_nobody_at_home_is_a_failure_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(outbound.OutboundError, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
        fetch(Request("GET", f"http://ann:secret@127.0.0.1:{port}/"), allow=LOOPBACK)


def test_a_name_that_does_not_resolve_is_a_failure_in_one_line():
    def unknown(host, port, **_):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(outbound.OutboundError, match=r"^the name nowhere\.example does not resolve$"):
        fetch(Request("GET", "http://nowhere.example/"), resolve=unknown)


# What is refused before anything is sent


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "//example.org/",
        "http://",
        "http:///path",
        "http://host:99999/",
        "http://ho st/",
        "http://ho\r\nst/",
        "",
    ],
)
def test_what_is_no_http_url_is_never_called(url):
    with pytest.raises(outbound.Unusable):
        fetch(Request("GET", url), allow=LOOPBACK)


def test_a_url_that_cannot_be_read_is_not_repeated_in_the_message():
    with pytest.raises(outbound.Unusable) as refused:
        fetch(Request("GET", "http://ann:secret@host:99999/"))

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "1\r\nX-B: 2"),
        ("X-A", "1\nX-B: 2"),
        ("X-A", "a\x00b"),
        ("X-A: 1\r\nX-B", "2"),
        ("X A", "1"),
        ("", "1"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
    ],
)
def test_headers_cannot_smuggle_anything_in(name, value):
    with serve(hello) as server, pytest.raises(outbound.Unusable):
        fetch(Request("GET", server.url(), {name: value}), allow=LOOPBACK)

    assert server.calls == []


@pytest.mark.parametrize("method", ["CONNECT", "GET / HTTP/1.1\r\nX: 1", "", "get it"])
def test_what_is_no_method_is_refused(method):
    with pytest.raises(outbound.Unusable):
        fetch(Request(method, "http://example.org/"), resolve=answers("127.0.0.1"), allow=LOOPBACK)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_loopback_is_refused_however_it_is_written(host):
    with serve(hello) as server, pytest.raises(outbound.Forbidden, match=r"loopback|unspecified"):
        fetch(Request("GET", server.url(host=host)))

    assert server.calls == []


def test_the_refusal_names_address_and_setting():
    with pytest.raises(outbound.Forbidden) as refused:
        fetch(Request("GET", "http://ann:secret@metadata.example/"), resolve=answers("169.254.169.254"))

    assert str(refused.value) == (
        "metadata.example is 169.254.169.254 and not reached: a link-local address that OUTBOUND_ALLOW does not list"
    )
    assert refused.value.address == "169.254.169.254"


def test_one_forbidden_address_among_several_refuses_the_name():
    with pytest.raises(outbound.Forbidden, match=r"10\.0\.0\.1"):
        fetch(Request("GET", "http://mixed.example/"), resolve=answers("127.0.0.1", "10.0.0.1"), allow=LOOPBACK)


def test_the_connection_goes_to_the_address_that_was_checked():
    """A name that resolves to something else the second time (DNS rebinding) gains nothing."""
    asked = []

    def rebinding(host, port, **more):
        asked.append(host)
        return answers("127.0.0.1" if len(asked) == 1 else "127.0.0.2")(host, port)

    with serve(hello) as server:
        response = fetch(Request("GET", server.url(host="rebind.example")), allow=LOOPBACK, resolve=rebinding)

    assert response.body == b"hello"
    assert asked == ["rebind.example"]
    assert server.calls[0].headers["Host"] == f"rebind.example:{server.port}"


def test_of_several_addresses_the_next_one_is_tried():
    with serve(hello, address="127.0.0.2") as server:
        response = fetch(
            Request("GET", server.url(host="two.example")),
            allow=Allowed.parse(["127.0.0.0/8"]),
            resolve=answers("127.0.0.1", "127.0.0.2"),
        )

    assert response.status == 200


# Redirects


def test_three_redirects_are_followed_and_no_more():
    def down(call: Call) -> None:
        left = int(call.path[1:])
        call.answer(302, b"", Location=f"/{left - 1}") if left else call.answer(200, b"here")

    with serve(down) as server:
        assert fetch(Request("GET", server.url("/3")), allow=LOOPBACK).url == server.url("/0")
        with pytest.raises(outbound.TooManyRedirects, match="more than 3 redirects"):
            fetch(Request("GET", server.url("/4")), allow=LOOPBACK)

    assert len(server.calls) == 4 + 4


@pytest.mark.parametrize("location", ["http://[", "http://[::1/", "http://:x/", "//[x]/"])
def test_a_redirect_to_what_is_no_url_is_not_followed(location):
    with serve(redirect_to(location)) as server, pytest.raises(outbound.OutboundError):
        fetch(Request("GET", server.url()), allow=LOOPBACK)


def test_a_redirect_is_returned_when_none_may_be_followed():
    with serve(redirect_to("http://10.0.0.1/")) as server:
        response = fetch(Request("GET", server.url(), redirects=0), allow=LOOPBACK)

    assert (response.status, response.body) == (302, b"moved")


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://169.254.169.254/latest/meta-data/", outbound.Forbidden),
        ("http://localhost.example:1/", outbound.Forbidden),
        ("//[::1]:1/", outbound.Forbidden),
        ("file:///etc/passwd", outbound.Unusable),
    ],
)
def test_every_redirect_is_checked_anew(location, error):
    def resolve(host, port, **more):
        return answers("127.0.0.2")(host, port) if host == "localhost.example" else socket.getaddrinfo(host, port)

    with serve(redirect_to(location)) as server, pytest.raises(error):
        fetch(Request("GET", server.url()), allow=LOOPBACK, resolve=resolve)


SECRET_HEADERS = {"Authorization": "Bearer t", "Cookie": "c=1", "X-Api-Key": "k", "X-Mine": "s"}


def call_with_secrets(url: str) -> None:
    open_headers = {name: SECRET_HEADERS[name] for name in ("Cookie", "X-Api-Key")} | {"X-Open": "o"}
    secret = {name: SECRET_HEADERS[name] for name in ("Authorization", "X-Mine")}
    fetch(Request("GET", url, open_headers, secret), allow=Allowed.parse(["127.0.0.0/8"]), resolve=answers("127.0.0.1"))


def test_credentials_stay_on_their_host_when_it_redirects_to_itself():
    def once(call: Call) -> None:
        call.answer(302, b"", Location="/there") if call.path == "/" else call.answer()

    with serve(once) as server:
        call_with_secrets(server.url())

    assert {name: server.calls[1].headers[name] for name in SECRET_HEADERS} == SECRET_HEADERS


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"], ids=["another host", "another port"])
def test_no_credential_follows_a_redirect_to_another_origin(host):
    with serve(hello) as other, serve(redirect_to(other.url(host=f"u:p@{host}"))) as server:
        call_with_secrets(server.url())

    headers = other.calls[0].headers
    assert [name for name in SECRET_HEADERS if name in headers] == []
    assert headers["X-Open"] == "o"


def test_credentials_do_not_come_back_after_a_detour():
    with serve(lambda call: call.answer(302, b"", Location=first.url("/again"))) as detour:

        def away_then_here(call: Call) -> None:
            call.answer(302, b"", Location=detour.url()) if call.path == "/" else call.answer()

        with serve(away_then_here) as first:
            call_with_secrets(first.url())

    assert "Authorization" not in first.calls[1].headers


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("PUT", 302, "PUT"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("HEAD", 303, "HEAD"),
    ],
)
def test_the_method_after_a_redirect_is_what_browsers_send(method, status, then):
    def once(call: Call) -> None:
        call.answer(status, b"", Location="/there") if call.path == "/" else call.answer()

    with serve(once) as server:
        fetch(Request(method, server.url(), {"Content-Type": "text/plain"}, body=b"data"), allow=LOOPBACK)

    second = server.calls[1]
    assert second.command == then
    assert second.received == (b"" if then == "GET" else b"data")
    assert (second.headers["Content-Type"] is None) == (then == "GET")


# Loops


def test_a_call_counts_its_hops():
    with serve(hello) as server:
        fetch(Request("GET", server.url(), hops=4), allow=LOOPBACK)
        fetch(Request("GET", server.url(), {"x-jobhouse-hops": "6"}, hops=4), allow=LOOPBACK)

    assert [call.headers["X-Jobhouse-Hops"] for call in server.calls] == ["5", "7"]


def test_the_tenth_hop_is_made_and_the_eleventh_refused():
    with serve(hello) as server:
        fetch(Request("GET", server.url(), hops=9), allow=LOOPBACK)
        with pytest.raises(outbound.TooManyHops):
            fetch(Request("GET", server.url(), hops=10), allow=LOOPBACK)

    assert len(server.calls) == 1


# Time


def expect_timeout(url: str, seconds: float = 0.6, **more) -> None:
    begun = time.monotonic()
    with pytest.raises(outbound.TimedOut):
        fetch(Request("GET", url, timeout=seconds), allow=LOOPBACK, **more)
    assert seconds - 0.05 <= time.monotonic() - begun < seconds + 1


def drip(*parts: bytes):
    """A reply whose parts come at once, then a byte every 50 ms for good."""

    def reply(call: Call) -> None:
        for part in parts:
            call.wfile.write(part)
        for _ in range(200):
            call.wfile.write(b"x")
            time.sleep(0.05)

    return reply


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\nX-Long: ",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\n\r\n",),  # without a length the cut itself looks like the end of the body
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",),
    ],
    ids=["status line", "headers", "body", "body without length", "chunk"],
)
def test_a_slow_drip_ends_in_time(parts):
    with serve(drip(*parts)) as server:
        expect_timeout(server.url())


def test_silence_ends_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        expect_timeout(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        expect_timeout(f"https://127.0.0.1:{silent.getsockname()[1]}/")


def test_a_name_that_resolves_slowly_ends_in_time():
    done = threading.Event()

    def slow(host, port, **_):
        done.wait(5)
        return []

    expect_timeout("http://slow.example/", resolve=slow)
    done.set()


def test_redirects_share_one_time_limit():
    def slowly(call: Call) -> None:
        time.sleep(0.3)
        call.answer(302, b"", Location="/again")

    with serve(slowly) as server:
        expect_timeout(server.url())


# TLS


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """A server's TLS context with a certificate for `good.example` that this machine trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "good.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - DAY, now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("good.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "server.pem"
    path.write_bytes(private + pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    outbound._tls.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    yield context
    outbound._tls.cache_clear()


def test_tls_is_verified_and_asked_for_the_name_of_the_url(certified):
    asked = []
    certified.sni_callback = lambda sock, name, context: asked.append(name)
    with serve(hello, tls=certified) as server:
        response = fetch(Request("GET", server.url(host="good.example")), allow=LOOPBACK, resolve=answers("127.0.0.1"))

    assert response.body == b"hello"
    assert asked == ["good.example"]


def test_a_certificate_for_another_name_is_not_accepted(certified):
    with (
        serve(hello, tls=certified) as server,
        pytest.raises(outbound.OutboundError, match="its certificate is not accepted: Hostname mismatch"),
    ):
        fetch(Request("GET", server.url(host="evil.example")), allow=LOOPBACK, resolve=answers("127.0.0.1"))

    assert server.calls == []


def test_a_certificate_that_nobody_vouches_for_is_accepted_only_on_request(certified, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with serve(hello, tls=certified) as server:
        request = {"method": "GET", "url": server.url(host="good.example")}
        with pytest.raises(outbound.OutboundError, match="not accepted: self-signed certificate"):
            fetch(Request(**request), allow=LOOPBACK, resolve=answers("127.0.0.1"))
        response = fetch(Request(**request, verify_tls=False), allow=LOOPBACK, resolve=answers("127.0.0.1"))

    assert response.status == 200
