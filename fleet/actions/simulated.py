"""The relational side of the simulated fleet: marked as such when it comes, removed whole when it goes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction

from fleet.actions.audit import record
from fleet.actions.services import ensure_environment
from fleet.models import ApiToken, AuditReport, Deployment, Environment, Finding, Service, Team


@dataclass(frozen=True, slots=True)
class DeclaredService:
    """A simulated service as it is written down."""

    name: str
    team: str
    description: str
    internet_facing: bool


def taken_names(names: Collection[str]) -> set[str]:
    """Those of `names` that real services have."""
    return set(
        Service.objects.filter(name__in=names).exclude(origin=Service.Origin.SIMULATED).values_list("name", flat=True)
    )


def declare_simulated_fleet(
    *, services: Iterable[DeclaredService], environments: Iterable[str], actor: str
) -> list[str]:
    """Services of origin `simulated` with their teams; the environments that were new.

    A team whose name a real one has gets "(simulated)" behind it. Names of real services are not touched: ask
    `taken_names` before.
    """
    with transaction.atomic():
        new = [name for name in environments if not Environment.objects.filter(name=name).exists()]
        for name in new:
            ensure_environment(name)
        declared = list(services)
        teams = {name: _team(name) for name in sorted({service.team for service in declared})}
        for service in declared:
            Service.objects.get_or_create(
                name=service.name,
                defaults={
                    "origin": Service.Origin.SIMULATED,
                    "team": teams[service.team],
                    "description": service.description,
                    "internet_facing": service.internet_facing,
                },
            )
        record(
            actor=actor,
            action="demo.loaded",
            object_type="fleet",
            object_id="simulated",
            detail={"services": len(declared), "teams": sorted(teams)},
        )
    return new


def _team(name: str) -> Team:
    real = Team.objects.filter(name=name, simulated=False).exists()
    team, _ = Team.objects.get_or_create(name=f"{name} (simulated)" if real else name, defaults={"simulated": True})
    return team


def simulated_services() -> list[str]:
    """Names of the simulated services."""
    return list(Service.objects.filter(origin=Service.Origin.SIMULATED).values_list("name", flat=True))


def remove_simulated_fleet(*, environments: Iterable[str], actor: str) -> int:
    """Delete simulated services with everything that hangs on them, their teams and tokens; the number of services.

    Of `environments` (those that came with the fleet) the ones that nothing refers to go too.
    """
    with transaction.atomic():
        services = Service.objects.filter(origin=Service.Origin.SIMULATED)
        count = services.count()
        services.delete()
        Team.objects.filter(simulated=True).delete()
        ApiToken.objects.filter(simulated=True).delete()
        for environment in Environment.objects.filter(name__in=list(environments)):
            if not _is_used(environment):
                environment.delete()
        record(
            actor=actor,
            action="demo.removed",
            object_type="fleet",
            object_id="simulated",
            detail={"services": count},
        )
    return count


def _is_used(environment: Environment) -> bool:
    return any(model.objects.filter(environment=environment).exists() for model in (Deployment, AuditReport, Finding))
