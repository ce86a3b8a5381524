"""The person behind a request that has passed the gate, and what only a fresh factor allows."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from dashboard.accounts.models import User
from dashboard.accounts.next_url import with_next
from dashboard.accounts.sessions import factor_is_fresh

View = Callable[..., HttpResponseBase]

CONFIRM = "/account/confirm"


class NotAPerson(TypeError):
    """A view of a person was reached without one: the gate's declaration of the view is wrong."""


def person(request: HttpRequest) -> User:
    """The signed-in person. Raises NotAPerson."""
    if not isinstance(request.user, User):
        raise NotAPerson(request.path)
    return request.user


def fresh_factor(back: str) -> Callable[[View], View]:
    """The view changes the account itself: it runs only within 15 minutes of a given factor.

    Else the person is asked for one and led to the page `back`, where the change can be made again.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if factor_is_fresh(request):
                return view(request, *args, **kwargs)
            return ask_for_factor(request, back)

        return checked

    return decorate


def ask_for_factor(request: HttpRequest, back: str) -> HttpResponse:
    """To the page that asks for a factor again; a part loaded by htmx takes the whole page there."""
    address = with_next(CONFIRM, back)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    return redirect(address)
