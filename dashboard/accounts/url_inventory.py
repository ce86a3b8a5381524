"""Every view that an address leads to, with what it declares: read by the system check and by the tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from dashboard.accounts.declarations import Declaration
from dashboard.accounts.gate import declarations_of


@dataclass(frozen=True, slots=True)
class Address:
    """One URL pattern: its route from the root, as text, and its view."""

    route: str
    pattern: URLPattern
    view: Callable[..., Any]
    converters: dict[str, Any]
    """Converter of each argument by name; None for arguments of regular expressions."""

    def declarations(self, method: str = "GET") -> list[Declaration]:
        return declarations_of(self.view, method)


def addresses() -> list[Address]:
    """All of them, in the order in which they are tried."""
    return list(_walk(get_resolver(), "", {}))


def undeclared() -> list[Address]:
    """Addresses whose view says nothing, for any method."""
    return [each for each in addresses() if not all(map(each.declarations, ("GET", "POST", "PUT", "PATCH", "DELETE")))]


def _walk(resolver: URLResolver, prefix: str, converters: dict[str, Any]) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        here = {**converters, **_arguments(entry)}
        if isinstance(entry, URLResolver):
            yield from _walk(entry, route, here)
        else:
            yield Address(route, entry, entry.callback, here)


def _arguments(entry: URLPattern | URLResolver) -> dict[str, Any]:
    regex = entry.pattern.regex
    return {name: entry.pattern.converters.get(name) for name in regex.groupindex}
