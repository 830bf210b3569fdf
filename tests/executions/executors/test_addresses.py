"""Which addresses the house may reach."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.executors.addresses import NOT_PUBLIC, Allowed, ip_network, read

NOTHING = Allowed()


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",  # mapped
        "64:ff9b::808:808",  # NAT64 of a public address: how an IPv6-only network reaches it
        "2002:808:808::1",  # 6to4
    ],
)
def test_public_addresses_may_be_reached(address):
    assert NOTHING.refusal("any", read(address), 80) is None


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.0.9", "loopback"),
        ("10.0.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "shared"),
        ("169.254.169.254", "link-local"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("198.18.0.1", "reserved"),
        ("192.0.2.1", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "reserved"),
        ("4000::1", "reserved"),  # outside of what is given out
        ("::7f00:1", "reserved"),  # IPv4-compatible, long gone
        ("::ffff:0:7f00:1", "reserved"),  # IPv4-translated
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b:1::a00:1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a00:1::1", "private"),
        ("2001:0:a00:1::", "private"),  # Teredo, by its server
        ("2001:0:808:808:0:0:80ff:fffe", "loopback"),  # Teredo, by its client: 127.0.0.1 inverted
    ],
)
def test_other_addresses_are_refused_with_their_kind(address, kind):
    assert NOTHING.refusal("any", read(address), 80) == kind


IPV4_NOT_PUBLIC = [ip_network(text) for texts in NOT_PUBLIC.values() for text in texts if ":" not in text]


@given(st.sampled_from(IPV4_NOT_PUBLIC), st.data())
def test_no_ipv6_form_of_a_refused_ipv4_address_may_be_reached(network, data):
    inner = data.draw(st.integers(int(network.network_address), int(network.broadcast_address)))
    forms = [
        IPv6Address(0xFFFF << 32 | inner),
        IPv6Address(0x0064FF9B << 96 | inner),
        IPv6Address(0x2002 << 112 | inner << 80 | 1),
        IPv6Address(0x2001 << 112 | inner << 64 | 0xF7F7F7F7),
        IPv6Address(0x2001 << 112 | 0x08080808 << 64 | inner ^ 0xFFFFFFFF),
    ]

    assert NOTHING.refusal("any", IPv4Address(inner), 80)
    assert all(NOTHING.refusal("any", read(str(form)), 80) for form in forms)


def test_a_listed_network_may_be_reached_by_any_name_at_any_port():
    allowed = Allowed.parse(["10.1.0.0/16", "fd00::/8"])

    assert allowed.refusal("intranet", read("10.1.2.3"), 8080) is None
    assert allowed.refusal("intranet", read("::ffff:10.1.2.3"), 8080) is None
    assert allowed.refusal("intranet", read("64:ff9b::a01:203"), 8080) is None
    assert allowed.refusal("intranet", read("fd00::5"), 80) is None
    assert allowed.refusal("intranet", read("10.2.0.1"), 8080) == "private"


def test_a_listed_host_may_be_reached_wherever_it_lives():
    allowed = Allowed.parse(["Build.Example."])

    assert allowed.refusal("build.example", read("192.168.3.4"), 80) is None
    assert allowed.refusal("build.example.evil.org", read("192.168.3.4"), 80) == "private"
    assert allowed.refusal("other", read("192.168.3.4"), 80) == "private"


@pytest.mark.parametrize("entry", ["127.0.0.1:8000", "[::1]:8000", "localhost:8000"])
def test_an_entry_with_a_port_opens_that_port_only(entry):
    allowed, address = Allowed.parse([entry]), read("::1" if "::" in entry else "127.0.0.1")

    assert allowed.refusal("localhost", address, 8000) is None
    assert allowed.refusal("localhost", address, 5432) == "loopback"


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "http://intranet/", "10.0.0.300", "host:0", "host:70000", "a b"])
def test_an_entry_that_is_neither_network_nor_host_is_refused_by_name(entry):
    with pytest.raises(ValueError, match=re.escape(repr(entry))):
        Allowed.parse([entry])
