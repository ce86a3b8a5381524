"""Scaling policies that were handed in, every version of them, and back-tests with their results."""

from django.db import models

from fleet.models.jobs import Job
from fleet.models.service import Service


class ScalingPolicy(models.Model):
    """A document for one service in one environment; `text` is the newest version, exactly as it was written."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="scaling_policies")
    environment = models.CharField(max_length=200, blank=True, help_text="as telemetry names it; empty where none does")
    name = models.CharField(max_length=200)
    text = models.TextField()
    version = models.PositiveIntegerField(default=1)
    changed_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["service__name", "environment", "name"]
        constraints = [
            models.UniqueConstraint(fields=["service", "environment", "name"], name="one_scaling_policy_of_a_name")
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class ScalingPolicyVersion(models.Model):
    """What a policy said from `saved_at` on, until the next version."""

    policy = models.ForeignKey(ScalingPolicy, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    saved_by = models.CharField(max_length=200)
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="one_scaling_policy_version")]

    def __str__(self) -> str:
        return f"version {self.number}"


class Backtest(models.Model):
    """One back-test: what was asked, which names it, and what came out."""

    key = models.CharField(max_length=32, unique=True, help_text="of what was asked: the same question, the same row")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="backtests")
    environment = models.CharField(max_length=200, blank=True)
    question = models.JSONField()
    result = models.JSONField(null=True)
    error = models.CharField(max_length=1000, blank=True)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.key
