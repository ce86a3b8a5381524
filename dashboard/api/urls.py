"""Addresses of the query APIs."""

from django.urls import URLPattern, URLResolver, include, path

from dashboard.api.health import metrics
from dashboard.api.rest.api import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("metrics", metrics, name="own-metrics"),
    path("", include("dashboard.api.prometheus_urls")),
    path("", include("dashboard.api.loki_urls")),
    path("api/", api.urls),
    path("osv/v1/", include("dashboard.api.osv")),
]
