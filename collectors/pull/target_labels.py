"""From what discovery found to what is scraped: defaults of the job, relabelling, address and instance; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from collectors.pull.job_config import JobConfig
from collectors.pull.relabel import dropping_rule, relabelled
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, labels_from
from telemetry.promql.durations import format_duration_ms, parse_duration_ms

ADDRESS: Final = "__address__"
_META: Final = "__meta_"
_PARAMETER: Final = "__param_"
_RESERVED: Final = "__"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A target that is not scraped; `rule` is the position of the relabel rule, None if it is not a rule's doing."""

    discovered: Labels
    reason: str
    rule: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A target that is scraped."""

    discovered: Labels
    labels: Labels
    """Those that every series gets."""
    url: str
    interval_ms: int
    timeout_ms: int


def described(job: JobConfig, of_target: Mapping[str, str], of_group: Mapping[str, str]) -> dict[str, str]:
    """Labels before relabelling: of the target, of its group, then what the job says."""
    labels = {name: value for name, value in {**of_group, **of_target}.items() if value}
    for name, value in (
        ("job", job.name),
        ("__scrape_interval__", format_duration_ms(job.interval_ms)),
        ("__scrape_timeout__", format_duration_ms(job.timeout_ms)),
        ("__metrics_path__", job.metrics_path),
        ("__scheme__", job.scheme),
    ):
        labels.setdefault(name, value)
    for name, values in job.params:
        if values:
            labels.setdefault(f"{_PARAMETER}{name}", values[0])
    return labels


def judge(job: JobConfig, labels: Mapping[str, str]) -> Kept | Dropped:
    """Relabels a described target."""
    discovered = labels_from(labels)
    found = relabelled(labels, job.relabel)
    if found is None:
        rule = dropping_rule(labels, job.relabel)
        return Dropped(discovered, _rule_sentence(job, rule), rule)
    try:
        return _kept(job, discovered, found)
    except InvalidInput as error:
        return Dropped(discovered, str(error))


def _rule_sentence(job: JobConfig, position: int | None) -> str:
    if position is None:
        return "a relabel rule drops it"
    rule = job.relabel[position]
    sources = ", ".join(rule.source_labels) or "nothing"
    told = {
        "keep": f"keeps only targets whose {sources} matches {rule.regex!r}",
        "drop": f"drops targets whose {sources} matches {rule.regex!r}",
        "keepequal": f"keeps only targets whose {sources} equals {rule.target_label}",
        "dropequal": f"drops targets whose {sources} equals {rule.target_label}",
    }[rule.action]
    return f"relabel rule {position + 1} {told}"


def _kept(job: JobConfig, discovered: Labels, found: dict[str, str]) -> Kept:
    address = found.get(ADDRESS, "")
    if not address:
        raise InvalidInput("it has no address (label __address__)")
    if "/" in address or not address.isprintable():
        raise InvalidInput(f"{address!r} is no host:port")
    interval_ms = _duration_ms(found, "__scrape_interval__")
    timeout_ms = _duration_ms(found, "__scrape_timeout__")
    if timeout_ms > interval_ms:
        raise InvalidInput(f"its timeout of {timeout_ms} ms is longer than its interval of {interval_ms} ms")
    public = {name: value for name, value in found.items() if not name.startswith(_RESERVED)}
    public.setdefault("instance", address)
    return Kept(discovered, labels_from(public), _url(job, found, address), interval_ms, timeout_ms)


def _duration_ms(labels: Mapping[str, str], name: str) -> int:
    try:
        found = parse_duration_ms(labels.get(name, ""))
    except InvalidInput as error:
        raise InvalidInput(f"its label {name} is no duration: {error}") from error
    if not found:
        raise InvalidInput(f"its label {name} is 0")
    return found


def _url(job: JobConfig, labels: Mapping[str, str], address: str) -> str:
    parameters = {name: list(values) for name, values in job.params}
    for name, value in labels.items():
        if name.startswith(_PARAMETER):
            parameters.setdefault(name[len(_PARAMETER) :], [""])[:1] = [value]
    query = urlencode(sorted(parameters.items()), doseq=True)
    path = quote(labels.get("__metrics_path__", "/metrics"), safe="/%:@!$&'()*+,;=~-._?")
    path = path if path.startswith("/") else f"/{path}"
    joint = ("&" if "?" in path else "?") if query else ""
    return f"{labels.get('__scheme__', 'http')}://{address}{path}{joint}{query}"
