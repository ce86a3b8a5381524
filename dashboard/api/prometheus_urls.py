"""Addresses of the Prometheus API, at the root and below /prometheus."""

from django.urls import include, path, re_path

from dashboard.api.prometheus import exemplars, metadata, query, rules, status

_api = [
    path("query", query.query, name="prometheus-query"),
    path("query_range", query.query_range, name="prometheus-query-range"),
    path("query_exemplars", exemplars.query_exemplars, name="prometheus-query-exemplars"),
    path("format_query", query.format_query, name="prometheus-format-query"),
    path("series", metadata.series, name="prometheus-series"),
    path("labels", metadata.label_names, name="prometheus-labels"),
    re_path(r"^label/(?P<name>.+)/values$", metadata.label_values, name="prometheus-label-values"),
    path("metadata", metadata.metadata, name="prometheus-metadata"),
    path("targets", status.targets, name="prometheus-targets"),
    path("rules", rules.rule_groups, name="prometheus-rules"),
    path("alerts", rules.alerts, name="prometheus-alerts"),
    path("alertmanagers", rules.alertmanagers, name="prometheus-alertmanagers"),
    path("status/buildinfo", status.build_info, name="prometheus-buildinfo"),
]

urlpatterns = [
    path("api/v1/", include(_api)),
    path("prometheus/api/v1/", include((_api, "below"))),
]
