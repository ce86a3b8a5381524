"""Replicas, limits, headroom and the autoscaler's own formula, with and without Kubernetes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from plotly import graph_objects

from dashboard.panels.scaling import ScalingPanel, replicas_figure, scaling_panel
from dashboard.panels.time_range import PageRange
from fleet.actions.services import record_deployment
from fleet.models import Service, Team
from telemetry.store import TelemetryStore
from tests.series import write_series

START = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
MINUTE, HOUR = 60_000, 3_600_000
RANGE = PageRange("", "", START, START + 6 * HOUR)
KUBE = {"job": "kube-state-metrics", "namespace": "production"}

pytestmark = pytest.mark.django_db


def steady(value: float) -> list[tuple[int, float]]:
    return [(START + m * MINUTE, value) for m in range(6 * 60 + 1)]


def counted(per_second: float) -> list[tuple[int, float]]:
    return [(START + m * MINUTE, m * 60 * per_second) for m in range(6 * 60 + 1)]


def autoscaler(name: str, desired: list[tuple[int, float]], *, maximum: float = 10, target: float = 50) -> list[Any]:
    labels = {**KUBE, "horizontalpodautoscaler": name}
    prefix = "kube_horizontalpodautoscaler"
    metric = {**labels, "metric_name": "cpu", "metric_target_type": "utilization"}
    return [
        (f"{prefix}_status_desired_replicas", labels, desired),
        (f"{prefix}_spec_min_replicas", labels, steady(2)),
        (f"{prefix}_spec_max_replicas", labels, steady(maximum)),
        (f"{prefix}_spec_target_metric", metric, steady(target)),
        ("kube_deployment_status_replicas_available", {**KUBE, "deployment": name}, desired),
    ]


def resources(service: str, *, cpu: float, request: float, limit: float) -> list[Any]:
    labels = {"service": service, "environment": "production"}
    return [
        ("container_cpu_usage_seconds_total", {**labels, "container": "app"}, counted(cpu)),
        ("container_memory_working_set_bytes", {**labels, "container": "app"}, steady(600)),
        ("kube_pod_container_resource_requests", {**labels, "resource": "cpu"}, steady(request)),
        ("kube_pod_container_resource_limits", {**labels, "resource": "cpu"}, steady(limit)),
        ("kube_pod_container_resource_limits", {**labels, "resource": "memory"}, steady(1000)),
    ]


def panel(**options: Any) -> ScalingPanel:
    return scaling_panel(RANGE, now_ms=START + 10 * HOUR, **options)


def test_the_formula_of_the_autoscaler_is_applied_to_what_it_measures(store: TelemetryStore) -> None:
    Service.objects.create(name="mail", team=Team.objects.create(name="Post"))
    write_series(store, *autoscaler("mail", steady(4)), *resources("mail", cpu=3, request=4, limit=8))
    (row,) = panel().rows
    assert (row.service, row.environment, row.team, row.known) == ("mail", "production", "Post", True)
    assert (row.now.ready, row.now.desired, row.now.minimum, row.now.maximum) == (4, 4, 2, 10)
    assert row.utilization_ratio == pytest.approx(0.75)
    assert (row.target_ratio, row.target_is_assumed) == (0.5, False)
    assert row.recommendation is not None
    assert (row.recommendation.replicas, row.recommendation.formula) == (6, "ceil(4 x 0.75 / 0.5) = 6")
    assert row.state == "more"
    assert row.cpu_saturation_ratio == pytest.approx(3 / 8)
    assert row.memory_saturation_ratio == pytest.approx(0.6)
    assert row.headroom_ratio == pytest.approx(0.4)


def test_a_workload_held_by_its_maximum_says_so_and_comes_first(store: TelemetryStore) -> None:
    write_series(
        store,
        *autoscaler("mail", steady(4)), *resources("mail", cpu=3, request=4, limit=8),
        *autoscaler("shop", steady(10)), *resources("shop", cpu=9, request=10, limit=20),
    )  # fmt: skip
    shown = panel()
    assert [row.service for row in shown.rows] == ["shop", "mail"]
    top = shown.rows[0]
    assert (top.is_at_maximum, top.state) == (True, "held")
    assert top.recommendation
    assert (top.recommendation.limited_by, top.recommendation.wanted) == ("maximum", 18)
    assert top.history.at_maximum_ratio == 1
    assert (shown.totals.at_maximum, shown.totals.replicas, shown.totals.recommended) == (1, 14, 16)
    assert (shown.totals.want_more, shown.totals.workloads) == (2, 2)


def test_flaps_and_changes_are_counted_over_the_range(store: TelemetryStore) -> None:
    wave = [(at, 4 + (index // 10) % 2) for index, (at, _) in enumerate(steady(0))]
    write_series(store, *autoscaler("mail", wave, maximum=5))
    (row,) = panel().rows
    assert (row.history.changes, row.history.flaps, row.history.times_at_maximum) == (36, 35, 18)
    assert len(row.trend) <= 48
    assert {value for value in row.trend if value == value} <= {4, 5}


def test_without_kubernetes_replicas_are_targets_that_are_up(store: TelemetryStore) -> None:
    write_series(
        store,
        ("up", {"job": "mail", "instance": "a"}, steady(1)),
        ("up", {"job": "mail", "instance": "b"}, steady(0)),
        ("process_cpu_seconds_total", {"job": "mail", "instance": "a"}, counted(0.2)),
    )
    (row,) = panel().rows
    assert (row.now.ready, row.now.desired, row.now.replicas) == (1, None, 1)
    assert (row.recommendation, row.why_none) == (None, "neither a CPU request nor a limit is known")
    assert (row.state, row.headroom_ratio) == ("unknown", None)


def test_a_process_is_measured_against_its_host_with_an_assumed_target(store: TelemetryStore) -> None:
    write_series(
        store,
        ("up", {"job": "mail"}, steady(1)),
        ("process_cpu_seconds_total", {"job": "mail"}, counted(1.8)),
        ("belvedere_cpu_limit_cores", {"job": "mail"}, steady(2)),
    )
    (row,) = panel().rows
    assert (row.target_ratio, row.target_is_assumed) == (0.7, True)
    assert row.recommendation
    assert row.recommendation.replicas == 2


def test_own_metrics_without_an_environment_join_the_only_one_there_is(store: TelemetryStore) -> None:
    write_series(
        store,
        *autoscaler("mail", steady(4)),
        ("process_cpu_seconds_total", {"service": "mail"}, counted(3)),
        ("kube_pod_container_resource_requests", {"service": "mail", "resource": "cpu"}, steady(4)),
    )
    (row,) = panel().rows
    assert row.environment == "production"
    assert row.utilization_ratio == pytest.approx(0.75)


def test_a_minimum_above_the_maximum_is_told_and_not_computed_with(store: TelemetryStore) -> None:
    write_series(store, *autoscaler("mail", steady(4), maximum=1), *resources("mail", cpu=3, request=4, limit=8))
    (row,) = panel().rows
    assert row.why_none == "the minimum 2 is above the maximum 1"


def test_simulated_services_can_be_left_out(store: TelemetryStore) -> None:
    Service.objects.create(name="toy", origin=Service.Origin.SIMULATED)
    write_series(store, ("up", {"job": "toy"}, steady(1)), ("up", {"job": "mail"}, steady(1)))
    assert {row.service for row in panel().rows} == {"toy", "mail"}
    assert {row.service for row in panel(fleet="real").rows} == {"mail"}
    assert {row.service for row in panel(fleet="simulated").rows} == {"toy"}
    assert {row.service for row in panel(service="mail").rows} == {"mail"}


def test_figures_show_replicas_between_their_limits_with_deployments(store: TelemetryStore) -> None:
    write_series(store, *autoscaler("mail", steady(4)), *autoscaler("shop", steady(3)))
    record_deployment(
        service="mail", environment="production", version="1.2", actor="user:ada",
        deployed_at=datetime.fromtimestamp((START + HOUR) / 1000, UTC),
    )  # fmt: skip
    figure = replicas_figure(RANGE, "mail", "production")
    drawn = graph_objects.Figure(figure)
    assert {trace.name: max(value for value in trace.y if value is not None) for trace in drawn.data} == {
        "Ready": 4, "Desired": 4, "Maximum": 10, "Minimum": 2,
    }  # fmt: skip
    assert [note["hovertext"] for note in figure["layout"]["annotations"]] == ["1.2 deployed to production"]
    fleet = panel().figure
    assert fleet
    assert [trace.name for trace in graph_objects.Figure(fleet).data] == ["mail", "shop"]


def test_nothing_is_an_empty_panel(store: TelemetryStore) -> None:
    assert panel().is_empty
    assert not panel().error
