"""Which address a request came from. Forwarded headers are believed from named proxies only."""

import functools
import ipaddress
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED: Final = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
_WAS_FORWARDED: Final = "belvedere.forwarded"


class ForwardedHeadersMiddleware:
    """Removes forwarded headers that did not come from a trusted proxy, before anything else can read them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if any(name in request.META for name in _FORWARDED):
            request.META[_WAS_FORWARDED] = True
        if not is_trusted_proxy(request.META.get("REMOTE_ADDR", "")):
            for name in _FORWARDED:
                request.META.pop(name, None)
        return self.get_response(request)


def client_address(request: HttpRequest) -> str | None:
    """The peer's address; behind trusted proxies the nearest address in X-Forwarded-For that is not one of them.

    None when there is no valid address, such as over a Unix socket.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if not is_trusted_proxy(address):
        return _valid(address)
    for word in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        hop = word.strip()
        if _valid(hop) is None:
            break  # whatever stands further left was written by someone we do not know
        address = hop
        if not is_trusted_proxy(hop):
            break
    return _valid(address)


def is_loopback(request: HttpRequest) -> bool:
    """Whether a program on this machine asks, and BELVEDERE_LOOPBACK_OPEN lets such programs in.

    A request that any proxy has passed on never counts: a proxy on this machine also connects from loopback.
    """
    if not settings.LOOPBACK_OPEN or _WAS_FORWARDED in request.META:
        return False
    address = client_address(request)
    return address is not None and ipaddress.ip_address(address).is_loopback


def network_of(address: str | None) -> str:
    """The network that shares one limit: the /24 of an IPv4 address, the /64 of an IPv6 address."""
    if address is None:
        return "unknown"
    bits = 24 if ipaddress.ip_address(address).version == 4 else 64
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def is_trusted_proxy(address: str) -> bool:
    """Whether `address` is in BELVEDERE_TRUSTED_PROXIES."""
    if not settings.TRUSTED_PROXIES or (valid := _valid(address)) is None:
        return False
    parsed = ipaddress.ip_address(valid)
    return any(parsed in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


@functools.lru_cache(maxsize=8)
def _networks(words: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word, strict=False) for word in words)


def _valid(address: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    # `::ffff:10.0.0.1` is how a socket for both families writes 10.0.0.1; a zone such as %eth0 names no network
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed).partition("%")[0]
