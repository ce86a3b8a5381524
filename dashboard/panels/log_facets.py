"""Values that the records of a log page have most often, each a link that narrows the page to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard.panels.log_filter import LogFilter
from telemetry.store import LogFacets


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet: how many records have it, and the filter that its link leads to."""

    value: str
    records: int
    chosen: bool
    changes: Mapping[str, object]
    """Parameters of the address that choose it, or take the choice back."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One field with its most frequent values."""

    title: str
    values: list[FacetValue]


def facets(found: LogFacets, wanted: LogFilter) -> list[Facet]:
    """Services, severities, then stream labels with more than one value or a choice."""
    services = [
        FacetValue(name, number, name in wanted.services, {"service": _toggled(wanted.services, name)})
        for name, number in found.services
    ]
    severities = [
        FacetValue(word, number, word == wanted.severity, {"severity": None if word == wanted.severity else word})
        for word, number in found.severities
    ]
    labels = [_label_facet(name, values, wanted) for name, values in sorted(found.labels.items())]
    return [Facet("Service", services), Facet("Severity", severities), *(one for one in labels if one.values)]


@dataclass(frozen=True, slots=True)
class FilterChip:
    """One condition of a filter in words, and what remains of the filter without it."""

    name: str
    value: str
    rest: LogFilter


def filter_chips(wanted: LogFilter) -> list[FilterChip]:
    """Every condition of `wanted`."""
    services = [
        FilterChip("service", name, replace(wanted, services=tuple(_toggled(wanted.services, name))))
        for name in wanted.services
    ]
    labels = [
        FilterChip("label", text, replace(wanted, labels=tuple(_toggled(wanted.labels, text))))
        for text in wanted.labels
    ]
    fields = [
        FilterChip("field", text, replace(wanted, fields=tuple(_toggled(wanted.fields, text))))
        for text in wanted.fields
    ]
    single = [
        ("severity", wanted.severity, replace(wanted, severity="")),
        ("text", wanted.text, replace(wanted, text="")),
        ("trace", wanted.trace_id, replace(wanted, trace_id="")),
        ("pattern", wanted.pattern, replace(wanted, pattern="")),
    ]
    return [*services, *labels, *fields, *(FilterChip(*one) for one in single if one[1])]


def _label_facet(name: str, values: Sequence[tuple[str, int]], wanted: LogFilter) -> Facet:
    shown = [
        FacetValue(
            value, number, f"{name}={value}" in wanted.labels, {"label": _toggled(wanted.labels, f"{name}={value}")}
        )
        for value, number in values
    ]
    chosen = any(one.chosen for one in shown)
    return Facet(name, shown if len(shown) > 1 or chosen else [])


def _toggled(chosen: Sequence[str], value: str) -> list[str]:
    """`chosen` with `value`, or without it if it was there."""
    return [one for one in chosen if one != value] if value in chosen else [*chosen, value]
