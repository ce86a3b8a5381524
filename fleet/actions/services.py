"""Services, environments and deployments come into being."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.models import Deployment, Environment, Service, Team
from fleet.names import storable, unshowable_character

PRODUCTION_NAMES = frozenset({"production", "prod", "live"})


class InvalidName(ValueError):
    """A name that is empty, too long or cannot be shown; the message names it and the limit."""


def checked_name(name: str, what: str, limit: int = 200) -> str:
    """`name` without blanks around it.

    Raises InvalidName if nothing is left, it is over `limit` characters, or one of them cannot be shown or stored.
    """
    stripped = name.strip()
    if not stripped:
        raise InvalidName(f"{what} is empty")
    if len(stripped) > limit:
        raise InvalidName(f"{what} has {len(stripped)} characters; the limit is {limit}")
    if character := unshowable_character(stripped):
        raise InvalidName(f"{what} {stripped!r} has the character {character}, which no name may have")
    return stripped


def ensure_service(name: str, *, origin: str = Service.Origin.DISCOVERED) -> Service:
    """The service called `name`, discovered now if it was not known."""
    service, _ = Service.objects.get_or_create(name=checked_name(name, "service"), defaults={"origin": origin})
    return service


def ensure_environment(name: str) -> Environment:
    """The environment called `name`; names such as "production" are marked as production."""
    checked = checked_name(name, "environment", 100)
    environment, _ = Environment.objects.get_or_create(
        name=checked, defaults={"production": checked.lower() in PRODUCTION_NAMES}
    )
    return environment


def discover_services(last_seen_ms: Mapping[str, int]) -> int:
    """Make sure that every service of telemetry has a row, and note when it was last heard of.

    Returns how many were new. Two queries however many services there are, plus one per 500 changed.
    """
    known = {service.name: service for service in Service.objects.filter(name__in=last_seen_ms)}
    new = [
        Service(name=name[:200], last_seen_at=_moment(seen))
        for name, seen in last_seen_ms.items()
        if name and name not in known
    ]
    Service.objects.bulk_create(new, ignore_conflicts=True)
    Service.objects.bulk_update(_moved_on(known, last_seen_ms), ["last_seen_at"], batch_size=500)
    return len(new)


def _moved_on(known: Mapping[str, Service], last_seen_ms: Mapping[str, int]) -> list[Service]:
    moved = []
    for name, service in known.items():
        seen = _moment(last_seen_ms[name])
        if service.last_seen_at is None or seen > service.last_seen_at:
            service.last_seen_at = seen
            moved.append(service)
    return moved


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def record_deployment(
    *,
    service: str,
    environment: str,
    version: str,
    actor: str,
    commit: str = "",
    deployed_at: datetime | None = None,
    description: str = "",
) -> tuple[Deployment, bool]:
    """The deployment and whether it is new; the same (service, environment, version, time) is recorded once."""
    with transaction.atomic():
        deployment, created = Deployment.objects.get_or_create(
            service=ensure_service(service),
            environment=ensure_environment(environment),
            version=checked_name(version, "version"),
            deployed_at=deployed_at or timezone.now(),
            defaults={"commit": storable(commit)[:100], "description": storable(description)[:500]},
        )
        if created:
            record(
                actor=actor,
                action="deployment.recorded",
                object_type="deployment",
                object_id=str(deployment.pk),
                detail={"service": service, "environment": environment, "version": version},
            )
    return deployment, created


def assign_team(*, services: Iterable[Service], team: Team | None, actor: str) -> int:
    """Give `services` to `team` (or to nobody). Returns how many changed hands."""
    with transaction.atomic():
        changed = [service for service in services if service.team_id != (team.pk if team else None)]
        for service in changed:
            service.team = team
        Service.objects.bulk_update(changed, ["team"])
        if changed:
            record(
                actor=actor,
                action="service.team_assigned",
                object_type="service",
                object_id=",".join(str(service.pk) for service in changed)[:200],
                detail={"team": team.name if team else None, "services": [service.name for service in changed]},
            )
    return len(changed)


def change_service(*, service: Service, values: Mapping[str, Any], actor: str) -> None:
    """Set the given fields of `service`; the audit event tells the value before and after of each that changed."""
    changed = {name: value for name, value in values.items() if getattr(service, name) != value}
    if not changed:
        return
    before = {name: _shown(getattr(service, name)) for name in changed}
    for name, value in changed.items():
        setattr(service, name, value)
    with transaction.atomic():
        service.save(update_fields=list(changed))
        record(
            actor=actor,
            action="service.changed",
            object_type="service",
            object_id=service.name,
            detail={"before": before, "after": {name: _shown(value) for name, value in changed.items()}},
        )


def _shown(value: Any) -> Any:
    return value.name if isinstance(value, Team) else value
