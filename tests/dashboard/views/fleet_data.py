"""A small fleet for page tests: services with metrics, log records and deployments of the last ten minutes."""

import time
from collections.abc import Iterable

from django.utils import timezone

from fleet.models import Deployment, Environment, Service, Team
from telemetry.model.labels import labels_from
from telemetry.store import TelemetryStore
from tests.series import write_series
from tests.telemetry.batches import log_batch


def now_ms() -> int:
    """The last whole minute: pages look at the present, however long ago the run began."""
    return int(time.time()) // 60 * 60_000


def times_ms() -> list[int]:
    return [now_ms() - 60_000 * age for age in range(10, -1, -1)]


def counter(per_second: float) -> list[tuple[int, float]]:
    return [(at, per_second * 60 * place) for place, at in enumerate(times_ms())]


def gauge(value: float) -> list[tuple[int, float]]:
    return [(at, value) for at in times_ms()]


def make_services(*names: str, **attributes: object) -> list[Service]:
    team, _ = Team.objects.get_or_create(name="Storefront")
    return [Service.objects.create(name=name, team=team, **attributes) for name in names]


def send_metrics(store: TelemetryStore, names: Iterable[str], *, failing: float = 0.0, per_second: float = 10) -> None:
    for name in names:
        write_series(
            store,
            ("http_requests_total", {"service": name, "code": "200"}, counter(per_second * (1 - failing))),
            ("http_requests_total", {"service": name, "code": "500"}, counter(per_second * failing)),
            ("process_resident_memory_bytes", {"service": name, "instance": "a"}, gauge(2**20)),
        )


def send_logs(store: TelemetryStore, service: str, *bodies: str, severity: int = 9, **labels: str) -> None:
    """One record a second, the last one a minute ago."""
    stream = labels_from({"service_name": service, **labels})
    start_ns = (now_ms() - 60_000 - 1000 * len(bodies)) * 10**6
    records = [
        {"stream": stream, "t": start_ns + place * 10**9, "severity": severity, "body": body}
        for place, body in enumerate(bodies)
    ]
    store.write_logs(log_batch(records)).result(30)


def deploy(service: Service, version: str) -> None:
    environment, _ = Environment.objects.get_or_create(name="production", defaults={"production": True})
    Deployment.objects.create(
        service=service,
        environment=environment,
        version=version,
        deployed_at=timezone.now() - timezone.timedelta(minutes=5),
    )
