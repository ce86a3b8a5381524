"""Scaling policies and back-tests as pages and the API read them."""

from django.db.models import QuerySet

from fleet.models import Backtest, ScalingPolicy


def scaling_policies(service: str = "", environment: str | None = None) -> QuerySet[ScalingPolicy]:
    """Policies of every service, or of one, or of one in an environment."""
    rows = ScalingPolicy.objects.select_related("service")
    if service:
        rows = rows.filter(service__name=service)
    return rows if environment is None else rows.filter(environment=environment)


def backtests(service: str = "", environment: str | None = None) -> QuerySet[Backtest]:
    """Back-tests, newest first, without their results: those can be large."""
    rows = Backtest.objects.select_related("service", "job").defer("result")
    if service:
        rows = rows.filter(service__name=service)
    return rows if environment is None else rows.filter(environment=environment)
