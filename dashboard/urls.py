"""The URL table of pages and query APIs; push endpoints are in `collectors.receivers`, in front of Django."""

from django.urls import include, path

urlpatterns = [
    path("", include("dashboard.accounts.urls")),
    path("", include("dashboard.api.urls")),
    path("", include("dashboard.views.urls")),
]
