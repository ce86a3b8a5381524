"""What a view says about who may call it. A view that says nothing is refused by the gate."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from dashboard.accounts.roles import KNOWN
from fleet.tokens import SCOPES

ATTRIBUTE: Final = "gate"

AnyView = TypeVar("AnyView", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Declaration:
    """Who may call a view: anyone, a person who gave the password, or an actor with `permission`."""

    level: Literal["public", "password", "permission"]
    permission: str = ""
    takes_tokens: bool = False
    open_on_loopback: bool = False
    """Programs on this machine need no token, while BELVEDERE_LOOPBACK_OPEN is on."""


PUBLIC: Final = Declaration("public")
PASSWORD: Final = Declaration("password")


def public(view: AnyView) -> AnyView:
    """Anyone may call the view, signed in or not."""
    return _declared(view, PUBLIC)


def password_only(view: AnyView) -> AnyView:
    """A person who gave the password may call the view before the second factor: the ways to that factor."""
    return _declared(view, PASSWORD)


def requires(
    permission: str, *, api: bool | None = None, open_on_loopback: bool = False
) -> Callable[[AnyView], AnyView]:
    """Only an actor with `permission` may call the view (function, partial or class).

    With `api` a token may carry the permission too; that is the default for words that are token scopes.
    Such a view is marked `csrf_exempt` because a token needs no CSRF token; the gate itself makes the CSRF
    check of every session request. Raises ValueError for a word that is not in the table of roles.
    """
    declaration = permission_declaration(permission, api=api, open_on_loopback=open_on_loopback)
    return functools.partial(_declared, declaration=declaration)


def permission_declaration(permission: str, *, api: bool | None = None, open_on_loopback: bool = False) -> Declaration:
    """The declaration behind `requires`."""
    if permission not in KNOWN:
        raise ValueError(f"unknown permission {permission!r}; dashboard/accounts/roles.py lists them")
    takes_tokens = permission in SCOPES if api is None else api
    return Declaration("permission", permission, takes_tokens, open_on_loopback)


def declaration_of(callback: Callable[..., Any]) -> Declaration | None:
    """What the callback of a URL pattern declares, or None."""
    declared = getattr(callback, ATTRIBUTE, None)
    return declared if isinstance(declared, Declaration) else None


def _declared(view: AnyView, declaration: Declaration) -> AnyView:
    if isinstance(view, type):
        # `as_view` copies the attributes of `dispatch` to the view function
        view.dispatch = _marked(_own_copy(view.dispatch), declaration)  # type: ignore[attr-defined]
        return view
    if isinstance(view, functools.partial) or not hasattr(view, "__dict__") or hasattr(view, "__self__"):
        return _marked(_own_copy(view), declaration)
    return _marked(view, declaration)


def _own_copy(view: AnyView) -> AnyView:
    """A function around `view` that can be marked without marking what others share."""

    @functools.wraps(view, assigned=[name for name in functools.WRAPPER_ASSIGNMENTS if hasattr(view, name)])
    def copy(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return copy  # type: ignore[return-value]


def _marked(view: AnyView, declaration: Declaration) -> AnyView:
    setattr(view, ATTRIBUTE, declaration)
    if declaration.takes_tokens:
        view.csrf_exempt = True  # type: ignore[attr-defined]
    return view
