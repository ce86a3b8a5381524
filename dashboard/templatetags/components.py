"""Tags for what pages repeat: badges, figures, sparklines, meters, links that keep the time range."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.panels.sparkline import sparkline_paths
from dashboard.views.addresses import range_query, service_path

register = template.Library()
register.filter("service_path", service_path)

STATES: Final = {"ok": "OK", "warn": "Warning", "crit": "Critical", "info": "Note", "none": "No data"}
"""Badge word -> what it says when the caller says nothing."""

SEVERITY_STATES: Final = {
    "fatal": "crit", "error": "crit", "warn": "warn", "info": "info", "debug": "none", "trace": "none",
    "critical": "crit", "high": "warn", "medium": "info", "low": "none", "unrated": "none",
}  # fmt: skip
"""Severity of a log record or an advisory -> badge word."""

PAGING: Final = ("before", "after", "page", "cursor", "record")
"""Parameters that mean nothing once another parameter changes."""


@register.simple_tag
def badge(state: str, text: str = "", title: str = "") -> SafeString:
    """Shape, word and colour of a status (`ok`, `warn`, `crit`, `info`, `none`, `sim`)."""
    words = text or STATES.get(state, state)
    extra = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="badge badge--{}"{}>{}</span>', state, extra, words)


@register.simple_tag
def severity(word: str, count: int | None = None) -> SafeString:
    """Badge of a log or advisory severity, with a count if given."""
    text = word if count is None else f"{count:,} {word}"
    return badge(SEVERITY_STATES.get(word, "none"), text)


@register.simple_tag
def simulated(service: Any) -> SafeString | str:
    """The mark of simulated data beside the name of a service; nothing for a real one."""
    return badge("sim", "simulated", "made by belvedere demo, not measured") if service.is_simulated else ""


@register.simple_tag
def sparkline(values: Sequence[float | None] | None, label: str = "", wide: bool = False) -> SafeString:
    """Inline SVG of `values`; gaps stay gaps. `label` is what a screen reader says of it."""
    line, area = sparkline_paths(values or ())
    return format_html(
        '<svg class="sparkline{}" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="sparkline__area" d="{}"/><path d="{}"/></svg>',
        " sparkline--wide" if wide else "",
        label or "trend",
        area,
        line,
    )


@register.simple_tag
def meter(ratio: float | None, warn_at: float = 0.75, crit_at: float = 0.9) -> SafeString | str:
    """Bar of a ratio, coloured from `warn_at` and `crit_at` on. The number belongs beside it."""
    if ratio is None:
        return ""
    tone = " meter--crit" if ratio >= crit_at else " meter--warn" if ratio >= warn_at else ""
    return format_html(
        '<svg class="meter{}" viewBox="0 0 64 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="64" height="6" rx="3"/><rect width="{}" height="6" rx="3"/></svg>',
        tone,
        round(64 * min(max(ratio, 0.0), 1.0), 1),
    )


@register.inclusion_tag("components/figure.html")
def figure(
    identity: str, value: Mapping[str, Any], title: str = "", size: str = "", heading: str = "h2"
) -> dict[str, Any]:
    """Panel with a Plotly figure that `dashboard.panels.figures` made; `size` is "", "short" or "tall"."""
    meta = value.get("layout", {}).get("meta", {})
    return {
        "id": identity,
        "figure": value,
        "title": title or meta.get("title", ""),
        "unit": meta.get("unit_words", ""),
        "summary": meta.get("summary", ""),
        "empty": not value.get("data"),
        "size": size,
        "heading": heading,
    }


@register.simple_tag(takes_context=True)
def page_link(context: Mapping[str, Any], path: str, **parameters: Any) -> str:
    """`path` with the page's time range and `parameters`; None and "" are left out."""
    request: HttpRequest | None = context.get("request")
    query = {**(range_query(request) if request else {}), **_given(parameters)}
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


@register.simple_tag(takes_context=True)
def with_query(context: Mapping[str, Any], **changes: Any) -> str:
    """Query string of this page with `changes`; None removes, and paging starts anew."""
    query = context["request"].GET.copy()
    for name in PAGING:
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None and value != "":
            query.setlist(name, [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)])
    return f"?{query.urlencode()}" if query else "?"


@register.inclusion_tag("components/hidden_query.html", takes_context=True)
def hidden_query(context: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """Hidden inputs that carry this page's query through a GET form, but for `without` and paging."""
    query = context["request"].GET
    kept = [(name, value) for name, values in query.lists() for value in values if name not in {*without, *PAGING}]
    return {"pairs": kept}


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in parameters.items() if value not in (None, "")}
