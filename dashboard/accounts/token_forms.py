"""The form of a new API token: only scopes that its maker may hand out."""

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone

from dashboard.accounts.actor import Actor
from dashboard.accounts.roles import TOKEN_SCOPES
from fleet.models import Service
from fleet.tokens import SCOPES

EXPIRIES: Final = (("90", "90 days"), ("30", "30 days"), ("365", "a year"), ("", "never"))
DEFAULT_SCOPES: Final = ("ingest:metrics", "ingest:logs")


def grantable_scopes(actor: Actor) -> list[tuple[str, str]]:
    """Scopes with their meaning that `actor` may put into a token: none that allows more than `actor` itself may."""
    return [(scope, words) for scope, words in SCOPES.items() if _within(scope, actor)]


def _within(scope: str, actor: Actor) -> bool:
    """Sending data is nobody's permission of its own; whoever makes tokens may hand it out."""
    return TOKEN_SCOPES[scope] - SCOPES.keys() <= actor.permissions


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        help_text="Who or what uses it: one token for each sender, so that one can be revoked alone.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, initial=DEFAULT_SCOPES)
    expires = forms.ChoiceField(choices=EXPIRIES, required=False, label="Expires after", initial="90")
    service = forms.ModelChoiceField(
        Service.objects.none(),
        required=False,
        empty_label="any: what is sent says which",
        help_text="Everything sent with the token then belongs to this service.",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scopes_field.choices = grantable_scopes(actor)
        services = self.fields["service"]
        if isinstance(services, forms.ModelChoiceField):
            services.queryset = Service.objects.order_by("name")

    @property
    def scopes_field(self) -> forms.MultipleChoiceField:
        field = self.fields["scopes"]
        if not isinstance(field, forms.MultipleChoiceField):
            raise TypeError(field)
        return field

    def expires_at(self) -> datetime | None:
        """Moment of the chosen expiry; None for never."""
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None
