"""Measured use that shared cost is divided by: what each service used, or what a query says of it."""

import hashlib
import time
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.core.cache import cache

from dashboard.panels.measured_use import MOST_DAYS, used_by_service
from policies.costs.allocation import Rule, Split
from policies.costs.spread import first_second
from telemetry.model.errors import TelemetryError
from telemetry.model.labels import label_value
from telemetry.model.samples import Frame
from telemetry.promql.engine import Engine
from telemetry.promql.run import Options
from telemetry.store import current

REMEMBER_SECONDS: Final = 300

Measured = dict[str, dict[str, Decimal]]


def measured_weights(rules: Sequence[Rule], first: date, last: date) -> tuple[Measured, list[str]]:
    """(rule name -> service -> use over the days, notes about what could not be measured)."""
    weights: Measured = {}
    notes: list[str] = []
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if len(days) > MOST_DAYS:
        days = days[-MOST_DAYS:]
        notes.append(f"use was measured over the last {MOST_DAYS} days only")
    for rule in rules:
        split = rule.split
        if split is None or split.method != "proportional" or split.measure == "cost":
            continue
        try:
            weights[rule.name] = _remembered(split, days)
        except TelemetryError as error:
            notes.append(f"rule {rule.name!r}: {error}")
    return weights, notes if weights or len(notes) > 1 else []


def _remembered(split: Split, days: Sequence[date]) -> dict[str, Decimal]:
    """`_measured`, read again after some minutes: every cost page asks for the same."""
    asked = f"{split.measure}\n{split.query}\n{days[0]}\n{days[-1]}"
    key = f"allocation-weights:{hashlib.sha256(asked.encode()).hexdigest()}"
    found: dict[str, Decimal] | None = cache.get(key)
    if found is None:
        found = _measured(split, days)
        cache.set(key, found, REMEMBER_SECONDS)
    return found


def _measured(split: Split, days: Sequence[date]) -> dict[str, Decimal]:
    now_ms = time.time_ns() // 1_000_000
    if split.measure != "query":
        return used_by_service(current(), split.measure, days, now_ms)
    end_ms = min(first_second(days[-1] + timedelta(days=1)) * 1000, now_ms)
    result = Engine(current(), Options.of(settings.TELEMETRY)).instant(split.query, end_ms).value
    if not isinstance(result, Frame):
        return {}
    sums: dict[str, Decimal] = {}
    for labels, values, present in zip(result.labels, result.values, result.present, strict=True):
        if present[-1] and values[-1] > 0 and (service := label_value(labels, "service")):
            sums[service] = sums.get(service, Decimal(0)) + Decimal(repr(float(values[-1])))
    return sums
