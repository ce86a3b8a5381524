"""What is to be scraped now: rows of the database and files of service discovery, as plain values."""

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings

from collectors.outbound import OutboundError, checked_url
from collectors.pull.file_sd import InvalidTargets, read_targets
from collectors.wire.exposition_series import TargetSeries
from fleet.models import Target
from fleet.sealing import CannotUnseal, unseal
from telemetry.model.labels import labels_from

TOKEN_PURPOSE: Final = "target.bearer_token"  # noqa: S105 - a word of `fleet.sealing`, not a secret
"""Purpose under which `Target.bearer_token` is sealed."""

DEFAULT_TIMEOUT_SECONDS: Final = 10.0
_LEAST_INTERVAL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """Everything that one scrape loop needs to know. Equal values mean that nothing has changed."""

    identity: str
    """Says which target it is, whatever else changes."""
    url: str
    series: TargetSeries
    interval_seconds: float
    timeout_seconds: float
    service: str | None = None
    """Service that everything belongs to; None leaves it to the mapping rules."""
    authorization: str = field(default="", repr=False)
    row_id: int | None = None
    """Row to which the state is written back."""
    problem: str = ""
    """Why it cannot be scraped at all; '' if it can."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Targets found, and the files that could not be read (path -> reason)."""

    targets: dict[str, ScrapeTarget]
    """By identity."""
    broken_files: dict[str, str]


def stored_targets() -> dict[str, ScrapeTarget]:
    """Enabled rows of the database, by identity. One query."""
    rows = Target.objects.filter(enabled=True).select_related("service").order_by()
    return {target.identity: target for target in map(_of_row, rows)}


def discovered_targets(patterns: Iterable[str], before: Mapping[str, ScrapeTarget]) -> Discovery:
    """Targets of the files that `patterns` match. A file that is broken keeps the targets it gave `before`."""
    targets: dict[str, ScrapeTarget] = {}
    broken: dict[str, str] = {}
    for path in sorted({path for pattern in patterns for path in glob.glob(pattern, recursive=True)}):
        prefix = f"{path}#"
        try:
            found = read_targets(Path(path).read_bytes(), is_json=path.endswith(".json"))
        except (InvalidTargets, OSError) as error:
            broken[path] = str(error)
            targets |= {name: target for name, target in before.items() if name.startswith(prefix)}
            continue
        for each in found:
            identity = f"{prefix}{each.url} {each.job} {each.labels}"
            targets[identity] = _scrape_target(
                identity=identity,
                url=each.url,
                labels={"job": each.job, **dict(each.labels)},
                interval_seconds=each.interval_seconds,
                timeout_seconds=each.timeout_seconds,
            )
    return Discovery(targets, broken)


def target_at(url: str, job: str = "probe") -> ScrapeTarget:
    """A target that is kept nowhere, for looking at it once."""
    return _scrape_target(identity=url, url=url, labels={"job": job}, interval_seconds=None)


def _of_row(row: Target) -> ScrapeTarget:
    problem, authorization = "", ""
    if row.bearer_token:
        try:
            authorization = f"Bearer {unseal(row.bearer_token, TOKEN_PURPOSE).decode()}"
        except CannotUnseal as error:
            problem = str(error)
    return _scrape_target(
        identity=f"target {row.pk}",
        url=row.url,
        labels={"job": row.job, **{str(name): str(value) for name, value in row.labels.items()}},
        interval_seconds=row.interval_seconds,
        honor_labels=row.honor_labels,
        service=row.service.name if row.service else None,
        authorization=authorization,
        row_id=row.pk,
        problem=problem,
    )


def _scrape_target(
    *,
    identity: str,
    url: str,
    labels: Mapping[str, str],
    interval_seconds: float | None,
    timeout_seconds: float | None = None,
    honor_labels: bool = False,
    service: str | None = None,
    authorization: str = "",
    row_id: int | None = None,
    problem: str = "",
) -> ScrapeTarget:
    interval = max(_LEAST_INTERVAL_SECONDS, float(interval_seconds or settings.SCRAPE_SECONDS))
    instance, url_problem = _instance(url)
    return ScrapeTarget(
        identity=identity,
        url=url,
        series=TargetSeries(labels_from({"instance": instance, **labels}), honor_labels),
        interval_seconds=interval,
        timeout_seconds=min(interval, timeout_seconds or DEFAULT_TIMEOUT_SECONDS),
        service=service,
        authorization=authorization,
        row_id=row_id,
        problem=problem or url_problem,
    )


def _instance(url: str) -> tuple[str, str]:
    """host:port of `url` (with the port of its scheme if it names none), and what is wrong with the URL."""
    try:
        checked = checked_url(url)
    except OutboundError as error:
        return url, str(error)
    port = checked.port or (443 if checked.scheme == "https" else 80)
    host = f"[{checked.host}]" if ":" in checked.host else checked.host
    return f"{host}:{port}", ""
