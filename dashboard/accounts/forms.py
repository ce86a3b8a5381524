"""Forms of the account pages."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError

from dashboard.accounts.models import User

PASSWORD_LENGTH = 1000
"""Longest password that is looked at; a longer one is refused before it is hashed."""


class LoginForm(forms.Form):
    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )
    password = forms.CharField(
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class FactorForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false", "class": "mono"}
        ),
    )


class EnrolForm(FactorForm):
    offer = forms.CharField(widget=forms.HiddenInput, max_length=500)


class NewPasswordForm(forms.Form):
    """A password twice, judged by the validators of the settings."""

    new_password = forms.CharField(
        label="Password",
        max_length=PASSWORD_LENGTH,
        strip=False,
        help_text="12 characters or more. A sentence is easier to remember than a puzzle; spaces count.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 12}),
    )
    repeated = forms.CharField(
        label="The same again",
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("new_password"), cleaned.get("repeated")
        if first is not None and second is not None and first != second:
            self.add_error("repeated", "The two passwords are not the same.")
        elif first is not None:
            self._judge(first)
        return cleaned

    def _judge(self, password: str) -> None:
        try:
            validate_password(password, self.user)
        except ValidationError as error:
            self.add_error("new_password", error)


class SetupForm(NewPasswordForm):
    """Name and password of the first administrator."""

    field_order = ["username", "new_password", "repeated"]

    username = forms.CharField(
        label="User name",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        self.user.username = name  # so that a password like the name is refused
        return name


class ChangePasswordForm(NewPasswordForm):
    field_order = ["password", "new_password", "repeated"]

    password = forms.CharField(
        label="Current password",
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PersonForm(forms.Form):
    """A new person."""

    username = forms.CharField(label="User name", max_length=150, validators=[UnicodeUsernameValidator()])
    role = forms.ChoiceField(choices=User.Role.choices, initial=User.Role.OPERATOR)

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError(f"There is a user called {name!r} already.")
        return name
