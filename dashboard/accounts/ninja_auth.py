"""The gate's declaration for operations of django-ninja: `auth=Requires("view:security")`."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from ninja.openapi.views import default_home, openapi_json, openapi_view
from ninja.operation import Operation, PathView
from ninja.security.base import AuthBase

from dashboard.accounts.actor import Actor, actor_of
from dashboard.accounts.declarations import Declaration, permission_declaration


class Requires(AuthBase):
    """An actor with `permission`: a token in the Authorization header, or a session.

    Give it to the API, a router or an operation. The gate reads it and decides before the operation runs; that it
    is asked again here keeps an operation closed even where the gate should be missing.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, permission: str) -> None:
        self.declaration = permission_declaration(permission, api=True)
        super().__init__()

    def __call__(self, request: HttpRequest) -> Actor | None:
        actor = actor_of(request)
        return actor if actor.can(self.declaration.permission) else None


def ninja_declarations(view: Callable[..., Any], method: str) -> list[Declaration]:
    """Declarations of the operations that serve `method` at a django-ninja path, all operations if none does.

    Empty when `view` is none of django-ninja's, or when one of these operations declares nothing.
    """
    if isinstance(view, functools.partial) and view.func in (default_home, openapi_json, openapi_view):
        return [permission_declaration("query", api=True)]
    path_view = _path_view(view)
    if path_view is None:
        return []
    serving = [operation for operation in path_view.operations if method in operation.methods]
    found = [_operation_declaration(operation) for operation in serving or path_view.operations]
    return [] if None in found else [declaration for declaration in found if declaration]


@functools.cache
def _path_view(view: Callable[..., Any]) -> PathView | None:
    """The PathView that django-ninja's view function closes over."""
    if not inspect.isfunction(view):
        return None
    owner = inspect.getclosurevars(view).nonlocals.get("self")
    return owner if isinstance(owner, PathView) else None


def _operation_declaration(operation: Operation) -> Declaration | None:
    for callback in operation.auth_callbacks:
        if isinstance(callback, Requires):
            return callback.declaration
    return None
