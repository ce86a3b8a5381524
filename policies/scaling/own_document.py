"""Scaling policies that Kubernetes has no document for: by schedule and by forecast, beside a target.

apiVersion: belvedere/v1
kind: ScalingPolicy
metadata: {name: checkout}
spec:
  minReplicas: 2
  maxReplicas: 20
  target: {averageValue: "100"}      # load that one replica should have
  schedule:
    - {start: "0 8 * * 1-5", end: "0 18 * * 1-5", timezone: Europe/Berlin, replicas: 6}
  forecast: {periodSeconds: 86400, lookAheadSeconds: 300, quantile: 0.9}
  behavior: {}                       # as in autoscaling/v2
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policies.documents.located import Located
from policies.scaling.cron import CronLine, read_cron
from policies.scaling.hpa.document import MAX_REPLICAS, Rules, positive_milli, read_behavior

API_VERSION: Final = "belvedere/v1"
KIND: Final = "ScalingPolicy"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """At least `replicas` from each start to the next end, in the time of `timezone`."""

    start: CronLine
    end: CronLine
    timezone: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """At least what the load `look_ahead_seconds` from now would ask for, were it as in whole periods before."""

    period_seconds: int
    look_ahead_seconds: int
    quantile: float


@dataclass(frozen=True, slots=True)
class OwnPolicy:
    """A ScalingPolicy document. `target` in thousandths of the load of one replica."""

    name: str
    minimum: int
    maximum: int
    target: int
    schedule: tuple[Scheduled, ...]
    forecast: Forecast | None
    up: Rules | None
    down: Rules | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


def read_own_policy(located: Located) -> OwnPolicy:
    """The policy of one document. Raises DocumentError with the place of the first fault."""
    top = located.fields("apiVersion", "kind", "metadata", "spec")
    for name in ("apiVersion", "kind", "spec"):
        if name not in top:
            raise located.place.error(f"has no {name}")
    top["apiVersion"].choice(API_VERSION)
    top["kind"].choice(KIND)
    spec = top["spec"].fields("minReplicas", "maxReplicas", "target", "schedule", "forecast", "behavior")
    for name in ("maxReplicas", "target"):
        if name not in spec:
            raise top["spec"].place.error(f"has no {name}")
    maximum = spec["maxReplicas"].whole(1, MAX_REPLICAS)
    minimum = spec["minReplicas"].whole(1, MAX_REPLICAS) if "minReplicas" in spec else 1
    if minimum > maximum:
        raise spec["minReplicas"].error(f"expected at most maxReplicas, which is {maximum}")
    target = spec["target"].fields("averageValue")
    if "averageValue" not in target:
        raise spec["target"].place.error("has no averageValue")
    up, down = read_behavior(spec["behavior"]) if "behavior" in spec else (None, None)
    metadata = top["metadata"].fields() if "metadata" in top else {}
    return OwnPolicy(
        name=metadata["name"].text() if "name" in metadata else "",
        minimum=minimum,
        maximum=maximum,
        target=positive_milli(target["averageValue"]),
        schedule=tuple(read_scheduled(one, maximum) for one in spec["schedule"].items()) if "schedule" in spec else (),
        forecast=_forecast(spec["forecast"]) if "forecast" in spec else None,
        up=up,
        down=down,
        document=located.plain,
    )


def read_scheduled(located: Located, maximum: int) -> Scheduled:
    """One line of a schedule. Raises DocumentError."""
    fields = located.fields("start", "end", "timezone", "replicas")
    for name in ("start", "end", "replicas"):
        if name not in fields:
            raise located.place.error(f"has no {name}")
    timezone = fields["timezone"].text() if "timezone" in fields else "UTC"
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise fields["timezone"].error("expected a time zone such as Europe/Berlin") from error
    return Scheduled(_cron(fields["start"]), _cron(fields["end"]), timezone, fields["replicas"].whole(0, maximum))


def _cron(located: Located) -> CronLine:
    try:
        return read_cron(located.text())
    except ValueError as error:
        raise located.error(str(error)) from error


def _forecast(located: Located) -> Forecast:
    fields = located.fields("periodSeconds", "lookAheadSeconds", "quantile")
    period = fields["periodSeconds"].whole(60, 366 * 86_400) if "periodSeconds" in fields else 86_400
    ahead = fields["lookAheadSeconds"].whole(0, 86_400) if "lookAheadSeconds" in fields else 300
    quantile = fields["quantile"].number(0, 1) if "quantile" in fields else 0.9
    return Forecast(period, ahead, quantile)
