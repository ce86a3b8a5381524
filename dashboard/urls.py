"""The URL table of pages and query APIs; push endpoints are in `collectors.receivers`, in front of Django."""

from django.urls import include, path

from dashboard.api.unknown import unknown_address

urlpatterns = [
    path("", include("dashboard.accounts.urls")),
    path("", include("dashboard.api.urls")),
    path("", include("dashboard.views.urls")),
    path("api/<path:rest>", unknown_address),
    path("loki/<path:rest>", unknown_address),
    path("prometheus/<path:rest>", unknown_address),
]
