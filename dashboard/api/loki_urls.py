"""Addresses of the Loki API."""

from django.urls import include, path, re_path

from dashboard.api.loki import fields, labels, patterns, query, status, tail, volumes

_api = [
    path("query", query.query, name="loki-query"),
    path("query_range", query.query_range, name="loki-query-range"),
    path("format_query", query.format_query, name="loki-format-query"),
    path("labels", labels.label_names, name="loki-labels"),
    path("label", labels.label_names, name="loki-label"),
    re_path(r"^label/(?P<name>.+)/values$", labels.label_values, name="loki-label-values"),
    path("series", labels.series, name="loki-series"),
    path("detected_labels", labels.detected_labels, name="loki-detected-labels"),
    path("detected_fields", fields.detected_fields, name="loki-detected-fields"),
    re_path(r"^detected_field/(?P<name>.+)/values$", fields.detected_field_values, name="loki-detected-field-values"),
    path("index/stats", volumes.stats, name="loki-index-stats"),
    path("index/volume", volumes.volume, name="loki-index-volume"),
    path("index/volume_range", volumes.volume_range, name="loki-index-volume-range"),
    path("patterns", patterns.patterns, name="loki-patterns"),
    path("tail", tail.tail, name="loki-tail"),
    path("status/buildinfo", status.build_info, name="loki-buildinfo"),
]

urlpatterns = [
    path("loki/api/v1/", include(_api)),
    path("ready", status.ready, name="loki-ready"),
]
