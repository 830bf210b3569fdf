"""Which addresses the house may reach: public ones, and what OUTBOUND_ALLOW lists.

Pure: no name is resolved here. `Allowed.parse` reads the list, `Allowed.refusal` judges one address that a name
resolved to. What carries an IPv4 address inside an IPv6 one (mapped, NAT64, 6to4, Teredo) is judged by what it carries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC: dict[str, tuple[str, ...]] = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10", "64:ff9b:1::/48"),
    "shared": ("100.64.0.0/10",),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": (
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20"),
    ),
}
_NOT_PUBLIC = [(ip_network(text), kind) for kind, texts in NOT_PUBLIC.items() for text in texts]
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_-]+\.)*(?!\d+$)[a-z0-9_-]+\.?", re.IGNORECASE)
_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")


def read(text: str) -> Address:
    """The address in `text` as a socket gives it; a zone (``%eth0``) is dropped, a mapped IPv4 address unwrapped."""
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def carried(address: Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to: one of NAT64 and 6to4, server and client of Teredo."""
    if not isinstance(address, IPv6Address):
        return []
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour:
        return [address.sixtofour]
    return list(address.teredo or ())


def kind(address: Address) -> str | None:
    """What makes `address` no public one, in a word; None for a public one.

    An address that carries others is judged by them: see `carried`.
    """
    if isinstance(address, IPv6Address) and (address in _NAT64 or address in _TEREDO):
        return None
    for network, word in _NOT_PUBLIC:
        if address in network:
            return word
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return "reserved"
    return None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be reached besides public addresses."""

    networks: tuple[tuple[Network, int | None], ...] = ()
    hosts: tuple[tuple[str, int | None], ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Allowed:
        """Read networks (``10.0.0.0/8``), addresses and host names, the latter two also with a port (``[::1]:8000``).

        Raises ValueError, naming the entry, for anything else.
        """
        networks: list[tuple[Network, int | None]] = []
        hosts: list[tuple[str, int | None]] = []
        for entry in (entry.strip() for entry in entries):
            place, port = entry, None
            if with_port := _WITH_PORT.fullmatch(entry):
                place, port = with_port["v6"] or with_port["host"], int(with_port["port"])
            if port is not None and not 0 < port < 65536:
                raise ValueError(f"{entry!r} names a port that does not exist")
            try:
                networks.append((ip_network(place, strict=False), port))
            except ValueError:
                if not _HOST.fullmatch(place):
                    raise ValueError(f"{entry!r} is not a network, address, host name or host:port") from None
                hosts.append((canonical(place), port))
        return cls(tuple(networks), tuple(hosts))

    def refusal(self, host: str, address: Address, port: int) -> str | None:
        """Why `address`, which `host` resolved to, must not be reached at `port`; None when it may be."""
        if any(canonical(host) == name and only in (None, port) for name, only in self.hosts):
            return None
        if any(address in network and only in (None, port) for network, only in self.networks):
            return None
        inner = (self.refusal(host, inside, port) for inside in carried(address))
        return kind(address) or next((word for word in inner if word), None)


def canonical(host: str) -> str:
    """A host name as names are compared: lower case, without the dot of the root."""
    return host.lower().removesuffix(".")
