"""Rule files, groups and states, as pages, APIs and the evaluation read them."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from fleet.models import RuleFile, RuleGroup


def rule_files() -> QuerySet[RuleFile]:
    """Every file with its groups and the states of their rules, in three queries."""
    return RuleFile.objects.prefetch_related("groups__states")


def due_groups(now: datetime, limit: int = 100) -> Sequence[int]:
    """Ids of groups whose time has come and that nobody evaluates, the longest due first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = RuleGroup.objects.filter(free, next_at__lte=now)
    return list(due.order_by("next_at").values_list("pk", flat=True)[:limit])
