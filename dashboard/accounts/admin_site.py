"""The administration site: what is in the database, mostly to look at. Changes belong to the pages of the product."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django_otp.admin import OTPAdminSite

from dashboard.accounts.actor import actor_of
from dashboard.accounts.declarations import requires
from dashboard.accounts.models import OneTimeLink, RecoveryDevice, TotpDevice, User, UserSession
from dashboard.accounts.next_url import with_next
from dashboard.accounts.trail import note
from dashboard.accounts.views import sign_in
from fleet import models as fleet_models

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Model]
else:  # Django's class takes no parameter at run time
    _ModelAdmin = admin.ModelAdmin

PERMISSION = "manage:admin"

SECRET_FIELDS = frozenset({"password", "key_sealed", "secret_hash", "token_hash", "code_hash", "bearer_token"})
"""Columns that no page shows, hashed or sealed as they are."""


class AdminSite(OTPAdminSite):
    """Every address of the site declares the permission to the gate, on top of django-otp's own test."""

    site_header = site_title = "Belvedere administration"
    site_url = "/"
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        OTPAdminSite.__init__(self, name)

    def has_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).can(PERMISSION) and bool(OTPAdminSite.has_permission(self, request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way in, and it is not here."""
        return redirect(with_next("/login", request.GET.get("next", "/admin/")))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return sign_in.logout(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("/account/password")

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("/account")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        urls = list(super().get_urls())
        _declare(urls)
        return urls


def _declare(urls: list[URLPattern | URLResolver]) -> None:
    for url in urls:
        if isinstance(url, URLResolver):
            _declare(url.url_patterns)
        else:
            url.callback = requires(PERMISSION)(url.callback)


class ReadOnly(_ModelAdmin):
    """Rows can be looked at by whoever may open the site, and not be changed."""

    list_per_page = 50

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [field.name for field in self.opts.get_fields() if field.name in SECRET_FIELDS]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).can(PERMISSION)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return actor_of(request).can(PERMISSION)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Editable(ReadOnly):
    """Rows can be corrected too; each correction is in the audit trail."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return actor_of(request).can(PERMISSION)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        detail = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        note(
            request,
            f"{self.opts.model_name}.changed",
            object_type=self.opts.model_name or "",
            object_id=obj.pk,
            detail=detail,
        )


class UserAdmin(ReadOnly):
    list_display = ["username", "role", "is_active", "last_login", "date_joined"]
    list_filter = ["role", "is_active"]
    search_fields = ["username"]


class AuditEventAdmin(ReadOnly):
    list_display = ["at", "actor", "action", "object_type", "object_id", "ip"]
    list_filter = ["action"]
    search_fields = ["actor", "object_id"]


site = AdminSite()
site.register(User, UserAdmin)
site.register([UserSession, OneTimeLink, TotpDevice, RecoveryDevice], ReadOnly)
site.register(fleet_models.AuditEvent, AuditEventAdmin)
site.register([fleet_models.Team, fleet_models.Environment], Editable)
site.register(
    [getattr(fleet_models, name) for name in fleet_models.__all__ if name not in ("AuditEvent", "Team", "Environment")],
    ReadOnly,
)
