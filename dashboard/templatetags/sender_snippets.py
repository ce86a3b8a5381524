"""`{% sender_snippets token scopes as list %}`: commands of senders with a fresh token filled in."""

from collections.abc import Iterable

from django import template
from django.conf import settings

from dashboard.views.settings.snippets import Snippet, snippets

register = template.Library()


@register.simple_tag
def sender_snippets(token: str, scopes: Iterable[str]) -> list[Snippet]:
    """Snippets that work with a token of these scopes, the token in its place."""
    held = set(scopes)
    return [
        Snippet(each.name, each.scope, each.text, each.command.replace("TOKEN", token))
        for each in snippets(settings.PUBLIC_URL)
        if held & set(each.scope.split(", "))
    ]
