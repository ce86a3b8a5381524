"""Shapes of the REST API. Fields are listed one by one, so that a new column never leaks by itself."""

from datetime import datetime
from typing import Any

from ninja import Field, Schema


class Problem(Schema):
    """What every refused request gets: a sentence that names the value and the limit."""

    error: str
    code: str


class SeverityCounts(Schema):
    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unrated: int = Field(0, description="no severity is published")


class DeploymentOut(Schema):
    id: int
    service: str
    environment: str
    version: str
    commit: str
    deployed_at: datetime
    description: str


class ServiceOut(Schema):
    name: str
    team: str | None
    origin: str = Field(description="discovered, declared, self or simulated")
    description: str
    runbook_url: str
    internet_facing: bool | None
    first_seen_at: datetime
    last_seen_at: datetime | None
    last_deployment: DeploymentOut | None
    open_findings: SeverityCounts


class ServiceChange(Schema, extra="forbid"):
    """Only what is given is changed."""

    team: str | None = None
    description: str | None = Field(None, max_length=500)
    runbook_url: str | None = Field(None, max_length=200, pattern=r"^(https?://.*)?$")
    internet_facing: bool | None = None


class ServicePage(Schema):
    items: list[ServiceOut]
    next: str | None = Field(description="give it as `after` to read on; null at the end")


class DeploymentPage(Schema):
    items: list[DeploymentOut]
    next: str | None


class TargetOut(Schema):
    id: int
    job: str
    url: str
    service: str | None
    labels: dict[str, str]
    interval_seconds: int | None
    honor_labels: bool
    enabled: bool
    up: bool | None = Field(description="null until the first scrape")
    last_scrape_at: datetime | None
    last_error: str
    last_samples: int


class TargetIn(Schema, extra="forbid"):
    url: str = Field(max_length=500, pattern=r"^https?://[^\s]+$")
    job: str = Field(max_length=200, min_length=1)
    labels: dict[str, str] = {}
    interval_seconds: int | None = Field(None, ge=1, le=86_400)
    honor_labels: bool = False


class FindingOut(Schema):
    id: int
    service: str
    environment: str
    ecosystem: str
    package: str
    version: str
    advisory_id: str
    aliases: list[str]
    summary: str
    fix_versions: list[str]
    severity_score: float | None = Field(description="CVSS base score, 0 to 10; null when none is published")
    state: str
    first_seen_at: datetime
    last_seen_at: datetime


class FindingPage(Schema):
    items: list[FindingOut]
    next: str | None


class ComponentOut(Schema):
    id: int
    service: str
    environment: str
    source: str
    service_version: str = Field(description="version of the service, where the sender or a deployment said it")
    ecosystem: str
    name: str
    version: str
    purl: str
    skip_reason: str = Field(description="why it could not be audited, so that it is unknown; empty if it was")


class ComponentPage(Schema):
    items: list[ComponentOut]
    next: str | None


class FeedOut(Schema):
    name: str
    source: str
    advisories: int
    imported_at: datetime | None
    newest_modified: datetime | None
    last_error: str


class LogRecordOut(Schema):
    timestamp_ns: str = Field(description="nanoseconds since 1970 UTC, as text: JSON numbers would round it")
    service: str
    severity: str
    severity_number: int
    body: str
    stream: dict[str, str]
    attributes: dict[str, Any]
    trace_id: str
    span_id: str


class LogPage(Schema):
    items: list[LogRecordOut]


class TokenOut(Schema):
    id: str
    name: str
    scopes: list[str]
    service: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class AuditEventOut(Schema):
    id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    detail: dict[str, Any]
    hash: str
    previous_hash: str


class AuditEventPage(Schema):
    items: list[AuditEventOut]
    next: str | None


class JobOut(Schema):
    id: int
    kind: str
    state: str
    progress_ratio: float
    message: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
