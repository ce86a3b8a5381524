"""What is to be scraped: one value a target, made of a row of the database or of what a job's discovery found."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from django.conf import settings

from collectors.outbound import OutboundError, checked_url
from collectors.pull.client_config import NO_CREDENTIALS, ClientConfig
from collectors.pull.job_config import JobConfig
from collectors.pull.scrape_memory import PageRules, ScrapeMemory
from collectors.pull.target_labels import Kept
from collectors.pull.target_series import PageSeries
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import DecodeLimits
from fleet.models import Target
from fleet.sealing import CannotUnseal, unseal
from telemetry.model.labels import Labels, labels_from

TOKEN_PURPOSE: Final = "target.bearer_token"  # noqa: S105 - a word of `fleet.sealing`, not a secret
"""Purpose under which `Target.bearer_token` is sealed."""

PLAIN_TEXT: Final = "PrometheusText0.0.4"
"""What a page of an unknown content type is read as, for targets that were entered one by one."""
DEFAULT_TIMEOUT_SECONDS: Final = 10.0
_LEAST_INTERVAL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class ScrapeTarget:
    """Everything that one scrape loop needs to know. Equal values mean that nothing has changed."""

    identity: str
    """Says which target it is, whatever else changes."""
    job: JobConfig
    url: str
    labels: Labels
    """Those that every series gets."""
    interval_seconds: float
    timeout_seconds: float
    discovered: Labels = ()
    """Labels before relabelling."""
    service: str | None = None
    """Service that everything belongs to; None leaves it to the mapping rules."""
    row_id: int | None = None
    """Row to which the state is written back."""
    problem: str = ""
    """Why it cannot be scraped at all; '' if it can."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.identity, self.url))

    def memory(self, limits: DecodeLimits) -> ScrapeMemory:
        """An empty memory for its pages."""
        job = self.job
        plain = TargetSeries(self.labels, job.honor_labels)
        series = PageSeries(plain, job.metric_relabel, job.limits)
        return ScrapeMemory(PageRules(series, limits, job.honor_timestamps, job.track_timestamps_staleness))


def stored_targets() -> dict[str, ScrapeTarget]:
    """Enabled rows of the database, by identity. One query."""
    rows = Target.objects.filter(enabled=True).select_related("service").order_by()
    return {target.identity: target for target in map(_of_row, rows)}


def target_of(job: JobConfig, kept: Kept, service: str | None = None) -> ScrapeTarget:
    """The target that discovery found."""
    return ScrapeTarget(
        identity=f"job {job.name} {kept.url} {kept.labels}",
        job=job,
        url=kept.url,
        labels=kept.labels,
        interval_seconds=max(_LEAST_INTERVAL_SECONDS, kept.interval_ms / 1000),
        timeout_seconds=kept.timeout_ms / 1000,
        discovered=kept.discovered,
        service=service,
        problem=_url_problem(kept.url),
    )


def target_at(url: str, job: str = "probe") -> ScrapeTarget:
    """A target that is kept nowhere, for looking at it once."""
    return _entered(url, url, {"job": job}, JobConfig(job, fallback_protocol=PLAIN_TEXT), None)


def _of_row(row: Target) -> ScrapeTarget:
    problem, client = "", NO_CREDENTIALS
    if row.bearer_token:
        try:
            client = ClientConfig("Bearer", unseal(row.bearer_token, TOKEN_PURPOSE).decode())
        except CannotUnseal as error:
            problem = str(error)
    job = JobConfig(row.job, honor_labels=row.honor_labels, fallback_protocol=PLAIN_TEXT, client=client)
    labels = {"job": row.job, **{str(name): str(value) for name, value in row.labels.items()}}
    target = _entered(f"target {row.pk}", row.url, labels, job, row.interval_seconds)
    service = row.service.name if row.service else None
    return replace(target, service=service, row_id=row.pk, problem=problem or target.problem)


def _entered(
    identity: str, url: str, labels: Mapping[str, str], job: JobConfig, interval_seconds: float | None
) -> ScrapeTarget:
    interval = max(_LEAST_INTERVAL_SECONDS, float(interval_seconds or settings.SCRAPE_SECONDS))
    return ScrapeTarget(
        identity=identity,
        job=job,
        url=url,
        labels=labels_from({"instance": _instance(url), **labels}),
        interval_seconds=interval,
        timeout_seconds=min(interval, DEFAULT_TIMEOUT_SECONDS),
        problem=_url_problem(url),
    )


def _url_problem(url: str) -> str:
    try:
        checked_url(url)
    except OutboundError as error:
        return str(error)
    return ""


def _instance(url: str) -> str:
    """host:port of `url`, with the port of its scheme if it names none."""
    try:
        checked = checked_url(url)
    except OutboundError:
        return url
    port = checked.port or (443 if checked.scheme == "https" else 80)
    host = f"[{checked.host}]" if ":" in checked.host else checked.host
    return f"{host}:{port}"
