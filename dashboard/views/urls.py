"""Addresses of the pages."""

from django.urls import URLPattern, URLResolver, path

from dashboard.views import shell

urlpatterns: list[URLPattern | URLResolver] = [
    path("shell/palette.json", shell.palette, name="palette"),
    path("shell/theme", shell.theme, name="theme"),
]
