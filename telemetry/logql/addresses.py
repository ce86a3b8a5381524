"""IP addresses in text: `ip("10.0.0.0/8")`, a single address, or a range `10.0.0.1-10.0.0.9`."""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

_V4: Final = re.compile(r"[0-9][0-9.]*")
_V6: Final = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=256)
def address_test(pattern: str) -> Callable[[str], bool]:
    """Whether some address within a text is one of `pattern`. Raises ValueError for a pattern that is none."""
    contains, version = _set_of(pattern)
    candidates = _V4 if version == 4 else _V6

    def holds(text: str) -> bool:
        return any(contains(address) for address in map(_address, candidates.findall(text)) if address is not None)

    return holds


def _set_of(pattern: str) -> tuple[Callable[[Address], bool], int]:
    try:
        if "-" in pattern:
            first, last = (ipaddress.ip_address(end) for end in pattern.split("-"))
            if first.version != last.version or int(first) > int(last):
                raise ValueError(pattern)
            return lambda one: one.version == first.version and int(first) <= int(one) <= int(last), first.version
        if "/" in pattern:
            network = ipaddress.ip_network(pattern, strict=False)
            return lambda one: one in network, network.version
        single = ipaddress.ip_address(pattern)
    except ValueError as error:
        raise ValueError(f"ip: invalid pattern: {pattern}") from error
    return lambda one: one == single, single.version


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
