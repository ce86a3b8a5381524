"""Scrape jobs in the database: the document of a job, and its secrets encrypted beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.conf import settings

from collectors.pull.config_section import Path
from collectors.pull.discovery_config import FileDiscovery
from collectors.pull.job_config import JobConfig, read_job
from collectors.pull.targets import DEFAULT_TIMEOUT_SECONDS, PLAIN_TEXT
from fleet.models import ScrapeJob
from fleet.sealing import CannotUnseal, seal, unseal
from fleet.selectors.scrape_targets import FILES_JOB
from telemetry.model.errors import InvalidInput

_PURPOSE: Final = "scrape_job.secrets"
_SECRETS: Final = frozenset({"password", "credentials", "bearer_token"})
_FILES_REFRESH_MS: Final = 2000


@dataclass(frozen=True, slots=True)
class JobRows:
    """Enabled jobs, and those that cannot be used (name -> reason)."""

    jobs: tuple[JobConfig, ...]
    broken: Mapping[str, str]


def job_rows() -> JobRows:
    """Jobs of the database and the one of BELVEDERE_FILE_SD. One query."""
    jobs: list[JobConfig] = [files_job(tuple(settings.FILE_SD))] if settings.FILE_SD else []
    broken: dict[str, str] = {}
    for name, document, secrets in ScrapeJob.objects.filter(enabled=True).values_list("name", "document", "secrets"):
        try:
            jobs.append(_job(json.dumps(document), secrets))
        except (InvalidInput, CannotUnseal) as error:
            broken[name] = str(error)
    return JobRows(tuple(jobs), broken)


@lru_cache(maxsize=1000)
def _job(document: str, secrets: str) -> JobConfig:
    return read_job(with_secrets(json.loads(document), secrets)).job


@lru_cache(maxsize=8)
def files_job(patterns: tuple[str, ...]) -> JobConfig:
    """The job of files that are named by a setting instead of a configuration."""
    interval_ms = settings.SCRAPE_SECONDS * 1000
    return JobConfig(
        FILES_JOB,
        interval_ms=interval_ms,
        timeout_ms=min(interval_ms, round(DEFAULT_TIMEOUT_SECONDS * 1000)),
        fallback_protocol=PLAIN_TEXT,
        discoveries=(FileDiscovery(patterns, _FILES_REFRESH_MS),),
    )


def without_secrets(document: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """(document without its secrets, the secrets encrypted); '' if there are none."""
    found: list[tuple[Path, str]] = []
    bare = _bare(document, (), found)
    return bare, seal(json.dumps(found).encode(), _PURPOSE) if found else ""


def with_secrets(document: dict[str, Any], secrets: str) -> dict[str, Any]:
    """What `without_secrets` took apart. Raises CannotUnseal."""
    for path, secret in json.loads(unseal(secrets, _PURPOSE)) if secrets else ():
        place: Any = document
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = secret
    return document


def _bare(value: Any, path: Path, found: list[tuple[Path, str]]) -> Any:
    if isinstance(value, Mapping):
        kept = {}
        for name, item in value.items():
            if name in _SECRETS and isinstance(item, str):
                found.append(((*path, name), item))
            else:
                kept[name] = _bare(item, (*path, name), found)
        return kept
    if isinstance(value, list):
        return [_bare(item, (*path, position), found) for position, item in enumerate(value)]
    return value
