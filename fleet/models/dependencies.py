"""Components, advisories and the findings where they meet."""

from datetime import datetime

from django.db import models
from django.utils import timezone

from fleet.models.service import Deployment, Environment, Service


class AdvisoryFeed(models.Model):
    """Where advisories, and what is known of their exploitation, come from and how old that is."""

    class Kind(models.TextChoices):
        ADVISORIES = "advisories", "advisories"
        THREATS = "threats", "exploitation"

    kind = models.CharField(max_length=20, choices=Kind, default=Kind.ADVISORIES)
    name = models.CharField(max_length=100, unique=True)
    source = models.CharField(max_length=500, help_text="URL or file")
    imported_at = models.DateTimeField(null=True)
    newest_modified = models.DateTimeField(null=True, help_text="newest `modified` of its advisories")
    advisories = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Advisory(models.Model):
    """A published problem in OSV form (https://ossf.github.io/osv-schema/)."""

    osv_id = models.CharField(max_length=100, unique=True)
    summary = models.TextField(blank=True)
    severity_score = models.FloatField(null=True, help_text="CVSS base score, 0 to 10; empty when none is published")
    severity_vector = models.CharField(max_length=300, blank=True)
    published = models.DateTimeField(null=True)
    modified = models.DateTimeField(null=True)
    withdrawn = models.DateTimeField(null=True)
    document = models.JSONField(help_text="the OSV record as imported")
    document_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["osv_id"]
        verbose_name_plural = "advisories"

    def __str__(self) -> str:
        return self.osv_id


class AdvisoryAlias(models.Model):
    """Another identifier of the same problem."""

    advisory = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="aliases")
    alias = models.CharField(max_length=100, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["advisory", "alias"], name="alias_once")]
        verbose_name_plural = "advisory aliases"

    def __str__(self) -> str:
        return self.alias


class AffectedPackage(models.Model):
    """Index from (ecosystem, normalised package name) to the advisories that name it."""

    advisory = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="affected")
    ecosystem = models.CharField(max_length=50)
    package = models.CharField(max_length=300)

    class Meta:
        indexes = [models.Index(fields=["ecosystem", "package"])]
        constraints = [models.UniqueConstraint(fields=["advisory", "ecosystem", "package"], name="affected_once")]

    def __str__(self) -> str:
        return f"{self.ecosystem}/{self.package}"


class AuditReport(models.Model):
    """One inventory or audit result that was received for a service in an environment."""

    class Format(models.TextChoices):
        PIP_AUDIT = "pip-audit", "pip-audit JSON"
        CYCLONEDX = "cyclonedx", "CycloneDX"
        SPDX = "spdx", "SPDX"
        OSV_SCANNER = "osv-scanner", "osv-scanner JSON"
        TRIVY = "trivy", "Trivy JSON"
        NPM_AUDIT = "npm-audit", "npm audit JSON"
        SARIF = "sarif", "SARIF"
        REQUIREMENTS = "requirements", "requirements file"
        POETRY = "poetry", "poetry.lock"
        UV = "uv", "uv.lock"
        PYLOCK = "pylock", "pylock.toml"
        PIPFILE = "pipfile", "Pipfile.lock"
        PACKAGE_LOCK = "package-lock", "package-lock.json"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="audit_reports")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="audit_reports")
    deployment = models.ForeignKey(Deployment, null=True, blank=True, on_delete=models.SET_NULL)
    format = models.CharField(max_length=20, choices=Format)
    source = models.CharField(
        max_length=100, default="pip-audit", help_text="what it is about; a newer report of the same source replaces it"
    )
    version = models.CharField(max_length=200, blank=True, help_text="version of the service, where the sender said it")
    audited = models.BooleanField(default=True, help_text="a scanner looked for problems; a bare inventory was not")
    first_received_at = models.DateTimeField(default=timezone.now)
    received_at = models.DateTimeField(auto_now_add=True, help_text="last time with this content")
    replaced_at = models.DateTimeField(null=True, help_text="when a newer report of the source came")
    sha256 = models.CharField(max_length=64)
    components = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0, help_text="rows that could not be audited")
    findings = models.PositiveIntegerField(default=0)
    current = models.BooleanField(default=True, help_text="the newest report of its service, environment and source")

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [models.Index(fields=["service", "environment", "current"])]

    def __str__(self) -> str:
        return f"{self.service} in {self.environment}, {self.received_at:%Y-%m-%d %H:%M}"


class Component(models.Model):
    """One entry of a report: a package in a version. `skip_reason` says why it could not be audited."""

    report = models.ForeignKey(AuditReport, on_delete=models.CASCADE, related_name="component_set")
    ecosystem = models.CharField(max_length=50)
    name = models.CharField(max_length=300, help_text="normalised as its ecosystem prescribes")
    version = models.CharField(max_length=200, blank=True)
    purl = models.CharField(max_length=600, blank=True)
    skip_reason = models.CharField(max_length=500, blank=True)
    claims = models.JSONField(default=list, help_text="problems that the report names, in the form of fleet.claims")

    class Meta:
        ordering = ["name", "version"]
        indexes = [models.Index(fields=["ecosystem", "name"])]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


class Finding(models.Model):
    """One problem of one package of one service in one environment, whoever reported it and how often."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        ACCEPTED = "accepted", "accepted"
        FIXED = "fixed", "fixed"
        FALSE_POSITIVE = "false_positive", "false positive"
        NOT_AFFECTED = "not_affected", "not affected"
        UNDER_INVESTIGATION = "under_investigation", "under investigation"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="findings")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="findings")
    ecosystem = models.CharField(max_length=50)
    package = models.CharField(max_length=300)
    version = models.CharField(max_length=200, blank=True)
    advisory_id = models.CharField(max_length=100, help_text="preferred identifier of the alias group")
    aliases = models.JSONField(default=list, help_text="all identifiers of the problem, sorted")
    summary = models.TextField(blank=True)
    fix_versions = models.JSONField(default=list)
    severity_score = models.FloatField(null=True)
    severity_vector = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.OPEN, db_index=True)
    reported_by = models.JSONField(default=list, help_text="scanners that named it")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    fixed_at = models.DateTimeField(null=True)
    reopened_at = models.DateTimeField(null=True)
    introduced_by = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.SET_NULL, related_name="findings_introduced"
    )
    fixed_by = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.SET_NULL, related_name="findings_fixed"
    )
    fixed_version = models.CharField(max_length=200, blank=True, help_text="what ran when it was gone; empty: removed")
    owner = models.CharField(max_length=150, blank=True, help_text="who looks after it")
    reason = models.CharField(max_length=500, blank=True, help_text="why it has its state, in words")
    justification = models.CharField(max_length=50, blank=True, help_text="why it is not affected, in VEX words")
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-severity_score", "package"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "environment", "ecosystem", "package", "advisory_id"], name="finding_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.advisory_id} in {self.package} {self.version} of {self.service}"

    @property
    def severity_word(self) -> str:
        """Word of the CVSS qualitative scale; "unrated" when no score is published."""
        score = self.severity_score
        if score is None:
            return "unrated"
        return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"

    @property
    def counts_since(self) -> datetime:
        """When the clock of its due date began: when it was seen first, or came back."""
        return self.reopened_at or self.first_seen_at

    @property
    def state_words(self) -> str:
        """The state for people: an open finding that was fixed before is "reopened"."""
        return "reopened" if self.state == self.State.OPEN and self.reopened_at else self.get_state_display()

    @property
    def other_ids(self) -> list[str]:
        """Identifiers of the same problem beside the preferred one."""
        return [alias for alias in self.aliases if alias != self.advisory_id]
