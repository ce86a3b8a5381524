"""`{% settings_tabs %}`: the row of tabs on every settings page."""

from collections.abc import Mapping
from typing import Any

from django import template

from dashboard.accounts.actor import actor_of
from dashboard.views.settings.tabs import tabs_for

register = template.Library()


@register.inclusion_tag("settings/_tabs.html", takes_context=True)
def settings_tabs(context: Mapping[str, Any]) -> dict[str, Any]:
    request = context["request"]
    return {"tabs": tabs_for(actor_of(request)), "path": request.path}
