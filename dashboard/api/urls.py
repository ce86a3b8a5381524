"""Addresses of the query APIs."""

from django.urls import URLPattern, URLResolver, path

from dashboard.api.rest.api import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", api.urls),
]
