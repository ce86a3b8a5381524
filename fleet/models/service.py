"""Services and what they belong to: the one thing that every row of telemetry, audit and cost is joined by."""

from django.db import models


class Team(models.Model):
    """People who own services."""

    name = models.CharField(max_length=100, unique=True)
    simulated = models.BooleanField(default=False, help_text="made by `belvedere demo`")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Environment(models.Model):
    """Where replicas run: production, staging, ..."""

    name = models.CharField(max_length=100, unique=True)
    production = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """One service of the fleet; telemetry names it by `name`."""

    class Origin(models.TextChoices):
        DISCOVERED = "discovered", "discovered from telemetry"
        DECLARED = "declared", "declared by a person"
        SELF = "self", "Belvedere itself"
        SIMULATED = "simulated", "simulated"

    name = models.CharField(max_length=200, unique=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="services")
    origin = models.CharField(max_length=20, choices=Origin, default=Origin.DISCOVERED)
    description = models.CharField(max_length=500, blank=True)
    runbook_url = models.URLField(blank=True)
    internet_facing = models.BooleanField(null=True, blank=True, help_text="unknown until someone says so")
    first_seen_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_simulated(self) -> bool:
        return self.origin == self.Origin.SIMULATED


class MappingRule(models.Model):
    """Names the service of telemetry whose `label` matches `pattern`; rules are tried by `position`, first wins.

    `service_name` may refer to groups of the pattern as \\1, \\2, ...
    """

    class Signal(models.TextChoices):
        ANY = "any", "metrics and logs"
        METRICS = "metrics", "metrics"
        LOGS = "logs", "logs"
        COSTS = "costs", "cost charges"

    position = models.PositiveIntegerField(default=100)
    signal = models.CharField(max_length=10, choices=Signal, default=Signal.ANY)
    label = models.CharField(max_length=200, help_text="label, attribute or tag name")
    pattern = models.CharField(max_length=500, default="(.+)", help_text="RE2, anchored at both ends")
    service_name = models.CharField(max_length=200, default="\\1")
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"{self.label}=~{self.pattern!r} -> {self.service_name}"


class Deployment(models.Model):
    """A version of a service starting to run in an environment."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="deployments")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="deployments")
    version = models.CharField(max_length=200)
    commit = models.CharField(max_length=100, blank=True)
    deployed_at = models.DateTimeField()
    description = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-deployed_at", "-pk"]
        indexes = [models.Index(fields=["service", "-deployed_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "environment", "version", "deployed_at"], name="deployment_recorded_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.version} in {self.environment}"
