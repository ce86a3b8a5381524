"""Which network addresses our own requests may reach; pure, the other half of the outgoing client.

An address falls into one of four classes. IPv6 forms that carry an IPv4 address inside (mapped, NAT64, 6to4,
Teredo, ISATAP) are judged by the inner address as well, because that is where the packets end up.
Sources: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressClass(IntEnum):
    """How an address is treated, the more restricted the higher."""

    PUBLIC = 0
    """Reachable without further ado."""
    PRIVATE = 1
    """Reachable only if a configured network contains it."""
    LOOPBACK = 2
    """This machine; reachable only if the caller allows loopback or its whole network is configured by name."""
    FORBIDDEN = 3
    """Metadata services, link-local, unspecified, multicast, reserved: never reachable."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_METADATA: Final = _networks(
    "169.254.169.254/32",
    "100.100.100.200/32",  # Alibaba Cloud
    "192.0.0.192/32",  # Oracle Cloud
    "168.63.129.16/32",  # Azure's wire server, a public address
    "fd00:ec2::254/128",  # AWS
    "fd20:ce::254/128",  # Google Cloud
)
_FORBIDDEN: Final = _networks(
    "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "fe80::/10", "fec0::/10", "ff00::/8",
    "64:ff9b:1::/48",  # NAT64 of a local prefix: where the IPv4 address stands inside is not knowable
)  # fmt: skip
_LOOPBACK: Final = _networks("127.0.0.0/8", "::1/128")
_PRIVATE: Final = _networks(
    "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "fc00::/7", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
)  # fmt: skip
_CLASSES: Final = (
    (AddressClass.FORBIDDEN, _METADATA + _FORBIDDEN),
    (AddressClass.LOOPBACK, _LOOPBACK),
    (AddressClass.PRIVATE, _PRIVATE),
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = ipaddress.IPv6Network("2002::/16")
_TEREDO: Final = ipaddress.IPv6Network("2001::/32")
_IN_USE: Final = (ipaddress.IPv6Network("2000::/3"), _NAT64)
_ISATAP_MARKS: Final = frozenset({0x00005EFE, 0x02005EFE})


def address_class(address: Address) -> AddressClass:
    """The most restricted class of `address` and of every IPv4 address inside it."""
    plain = _without_scope(address)
    if isinstance(plain, ipaddress.IPv6Address) and (mapped := plain.ipv4_mapped):
        return _own_class(mapped)
    return max([_own_class(plain), *(_own_class(inner) for inner in embedded_ipv4(plain))])


def is_allowed(address: Address, networks: Sequence[Network], *, loopback: bool) -> bool:
    """Whether a request may go to `address`: public, or private inside one of `networks`, or allowed loopback."""
    plain = _without_scope(address)
    if isinstance(plain, ipaddress.IPv6Address) and (mapped := plain.ipv4_mapped):
        return is_allowed(mapped, networks, loopback=loopback)
    return all(_may_reach(each, networks, loopback) for each in (plain, *embedded_ipv4(plain)))


def embedded_ipv4(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """IPv4 addresses that an IPv6 address carries by one of the transition mechanisms, none for IPv4."""
    if not isinstance(address, ipaddress.IPv6Address):
        return
    number = int(address)
    if address in _NAT64:
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        yield ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        yield ipaddress.IPv4Address(number >> 64 & 0xFFFFFFFF)
        yield ipaddress.IPv4Address(~number & 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP_MARKS:
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)


def _may_reach(address: Address, networks: Sequence[Network], loopback: bool) -> bool:
    match _own_class(address):
        case AddressClass.PUBLIC:
            return True
        case AddressClass.PRIVATE:
            return any(address in network for network in networks)
        case AddressClass.LOOPBACK:
            return loopback or any(network in _LOOPBACK and address in network for network in networks)
        case AddressClass.FORBIDDEN:
            return False


def _own_class(address: Address) -> AddressClass:
    for candidate, networks in _CLASSES:
        if any(address in network for network in networks):
            return candidate
    if isinstance(address, ipaddress.IPv6Address) and not any(address in network for network in _IN_USE):
        return AddressClass.FORBIDDEN
    return AddressClass.PUBLIC


def _without_scope(address: Address) -> Address:
    """`address` without its zone, such as %eth0."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return ipaddress.IPv6Address(int(address))
    return address
