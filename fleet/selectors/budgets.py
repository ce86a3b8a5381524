"""Which budgets there are, and which of them a service answers to."""

from django.db.models import Q

from fleet.models import Budget, Service


def budgets() -> list[Budget]:
    """All budgets by name."""
    return list(Budget.objects.all())


def budgets_of(service: str) -> list[Budget]:
    """Budgets of a service and of its team."""
    owner = Service.objects.filter(name=service).select_related("team").first()
    asked = Q(scope=Budget.Scope.SERVICE, value=service)
    if owner and owner.team:
        asked |= Q(scope=Budget.Scope.TEAM, value=owner.team.name)
    return list(Budget.objects.filter(asked))
