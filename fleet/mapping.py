"""Which service a series, log stream or charge belongs to: visible rules first, then what its protocol says."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import re2

from fleet.models import MappingRule
from fleet.names import showable

Labels = Iterable[tuple[str, str]]

UNKNOWN_SERVICE: Final = "unknown"
"""Where telemetry goes that nothing names; shown as such, never dropped."""

WELL_KNOWN: Final = {
    "metrics": ("service", "service_name", "service.name", "job"),
    "logs": (
        "service.name", "service_name", "service", "app.kubernetes.io/name", "app_kubernetes_io_name",
        "app", "application", "k8s.deployment.name", "container_name", "container", "job",
    ),
    "costs": ("service", "x_service", "application", "app", "service.name", "Service", "Application"),
}  # fmt: skip
"""Labels, attributes or tags that name the service when no rule matched, best first."""

RELOAD_SECONDS: Final = 5.0
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class _CompiledRule:
    signal: str
    label: str
    pattern: Any
    template: str

    def applies_to(self, signal: str) -> bool:
        return self.signal in (signal, MappingRule.Signal.ANY)

    def service_of(self, labels: dict[str, str]) -> str | None:
        match = self.pattern.fullmatch(labels.get(self.label, ""))
        return match.expand(self.template).strip() or None if match else None


class Mapping:
    """Mapping rules held in memory and read again every RELOAD_SECONDS, so that ingest never waits for them."""

    def __init__(self, load: Callable[[], list[MappingRule]], clock: Callable[[], float] = time.monotonic) -> None:
        self._load, self._clock = load, clock
        self._lock = threading.Lock()
        self._rules: list[_CompiledRule] = []
        self._loaded_at = float("-inf")

    def forget(self) -> None:
        self._loaded_at = float("-inf")

    def resolve(self, signal: str, labels: Labels, bound: str | None) -> str:
        """Service name for `labels` of `signal` ("metrics", "logs" or "costs"); `bound` (by token) always wins.

        It is free of characters that a relational database cannot hold or a page cannot show.
        """
        return showable(bound or self._named(signal, labels))[:_MAX_NAME] or UNKNOWN_SERVICE

    def _named(self, signal: str, labels: Labels) -> str:
        by_name = dict(labels)
        for rule in self._current():
            if rule.applies_to(signal) and (name := rule.service_of(by_name)):
                return name
        label = next((label for label in WELL_KNOWN[signal] if by_name.get(label)), None)
        return _named_by(label, by_name) if label else UNKNOWN_SERVICE

    def _current(self) -> list[_CompiledRule]:
        if self._clock() - self._loaded_at > RELOAD_SECONDS:
            with self._lock:
                if self._clock() - self._loaded_at > RELOAD_SECONDS:
                    self._rules = [_compile(rule) for rule in self._load()]
                    self._loaded_at = self._clock()
        return self._rules


def _named_by(label: str, by_name: dict[str, str]) -> str:
    """Value of `label`; of a job "namespace/name", as OTLP metrics have it, the name: the service.name of its logs.

    Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes
    """
    value = by_name[label]
    return value.rpartition("/")[2] or value if label == "job" else value


def _compile(rule: MappingRule) -> _CompiledRule:
    return _CompiledRule(rule.signal, rule.label, re2.compile(rule.pattern), rule.service_name)


def _load_rules() -> list[MappingRule]:
    return list(MappingRule.objects.filter(enabled=True))


_mapping = Mapping(_load_rules)
forget_cached_rules = _mapping.forget


def resolve_service(signal: str, labels: Labels, bound: str | None = None) -> str:
    """`Mapping.resolve` over the rules of the database."""
    return _mapping.resolve(signal, labels, bound)
