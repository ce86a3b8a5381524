"""The query engine of this process: PromQL over the open store, with the limits of the settings."""

from django.conf import settings

from telemetry.promql.engine import Engine
from telemetry.promql.run import Options
from telemetry.store import current


def promql_engine() -> Engine:
    """Engine over the store of this process. Raises StoreUnavailable if none is open here."""
    return Engine(current(), promql_options())


def promql_options() -> Options:
    """Limits and defaults from the settings."""
    return Options.of(settings.TELEMETRY)
