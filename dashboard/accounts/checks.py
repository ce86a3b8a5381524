"""System checks: what would make the gate refuse, or the proxy list unreadable, is said before anything is served."""

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

TAG: Final = "gate"


def every_view_declares(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """accounts.E001: a view is reachable that does not say who may call it."""
    from dashboard.accounts.url_inventory import undeclared  # noqa: PLC0415 - loads every view

    return [
        Error(
            f"the view of /{address.route} declares nobody who may call it, so the gate refuses it",
            hint="decorate it with @public, @password_only or @requires(permission) of dashboard.accounts.gate",
            id="accounts.E001",
        )
        for address in undeclared()
    ]


def proxies_are_addresses(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """accounts.E002: a word in BELVEDERE_TRUSTED_PROXIES is neither an address nor a network."""
    return [
        Error(f"BELVEDERE_TRUSTED_PROXIES: {word!r} is neither an address nor a network", id="accounts.E002")
        for word in settings.TRUSTED_PROXIES
        if not _is_network(word)
    ]


def _is_network(word: str) -> bool:
    try:
        ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
    return True
