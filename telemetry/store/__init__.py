"""The only place that knows SQL and the engine: where samples and log records are kept and found again."""

from telemetry.store.current import current, set_current
from telemetry.store.pattern_queries import ErrorGroup, LogPattern, PatternSeries
from telemetry.store.queries import (
    Direction,
    GridFunction,
    LogCursor,
    LogFacets,
    LogHistogram,
    LogQuery,
    ServiceSeen,
    ServiceVolume,
    TableUsage,
)
from telemetry.store.settings import StoreSettings
from telemetry.store.store import TelemetryStore

__all__ = [
    "Direction",
    "ErrorGroup",
    "GridFunction",
    "LogCursor",
    "LogFacets",
    "LogHistogram",
    "LogPattern",
    "LogQuery",
    "PatternSeries",
    "ServiceSeen",
    "ServiceVolume",
    "StoreSettings",
    "TableUsage",
    "TelemetryStore",
    "current",
    "set_current",
]
