"""Addresses of the pages."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from dashboard.views import (
    cardinality,
    cost,
    log_complete,
    log_errors,
    log_patterns,
    log_searches,
    log_tail,
    logs,
    metrics,
    overview,
    scaling,
    security,
    service,
    shell,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview_page, name="overview"),
    path("services/", service.service_page, name="service-by-query"),
    re_path(r"^services/(?P<name>[\s\S]+)$", service.service_page, name="service"),
    path("metrics-explorer", metrics.metrics_page, name="metrics"),
    path("metrics-explorer/cardinality", cardinality.cardinality_page, name="cardinality"),
    path("metrics-explorer/complete", metrics.complete, name="metrics-complete"),
    path("logs", logs.logs_page, name="logs"),
    path("logs/patterns", log_patterns.patterns, name="log-patterns"),
    path("logs/errors", log_errors.errors, name="log-errors"),
    path("logs/errors/<str:fingerprint>", log_errors.decide, name="log-error-decide"),
    path("logs/facets", logs.log_facets, name="log-facets"),
    path("logs/complete", log_complete.complete, name="log-complete"),
    path("logs/tail", log_tail.tail, name="log-tail"),
    path("logs/searches", log_searches.save, name="log-search-save"),
    path("logs/searches/<int:search_id>/remove", log_searches.remove, name="log-search-remove"),
    path("logs/record/context", logs.record_context, name="log-record-context"),
    path("logs/record", logs.record_page, name="log-record"),
    path("scaling", scaling.scaling, name="scaling"),
    path("cost", cost.cost, name="cost"),
    path("security", security.security, name="security"),
    path("", include("dashboard.views.settings.urls")),
    path("shell/palette.json", shell.palette, name="palette"),
    path("shell/theme", shell.theme, name="theme"),
]
