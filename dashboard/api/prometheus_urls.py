"""Addresses of the Prometheus API, at the root and below /prometheus."""

from django.urls import include, path, re_path

from dashboard.api.prometheus import (
    exemplars,
    federate,
    metadata,
    parsed,
    query,
    remote_read,
    rules,
    server,
    status,
)

_api = [
    path("query", query.query, name="prometheus-query"),
    path("query_range", query.query_range, name="prometheus-query-range"),
    path("parse_query", parsed.parse_query, name="prometheus-parse-query"),
    path("read", remote_read.remote_read, name="prometheus-read"),
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
    path("targets/metadata", server.targets_metadata, name="prometheus-targets-metadata"),
    path("scrape_pools", server.scrape_pools, name="prometheus-scrape-pools"),
    path("status/config", server.config, name="prometheus-config"),
    path("status/flags", server.flags, name="prometheus-flags"),
    path("status/runtimeinfo", server.runtime_info, name="prometheus-runtimeinfo"),
    path("status/tsdb", server.tsdb, name="prometheus-tsdb"),
    path("status/walreplay", server.wal_replay, name="prometheus-walreplay"),
    path("status/buildinfo", status.build_info, name="prometheus-buildinfo"),
]

urlpatterns = [
    path("api/v1/", include(_api)),
    path("federate", federate.federate, name="prometheus-federate"),
    path("prometheus/federate", federate.federate),
    path("-/healthy", server.healthy, name="prometheus-healthy"),
    path("-/ready", server.ready, name="prometheus-ready"),
    path("prometheus/-/healthy", server.healthy),
    path("prometheus/-/ready", server.ready),
    path("prometheus/api/v1/", include((_api, "below"))),
]
