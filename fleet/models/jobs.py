"""Durable background work: the row is the truth, Celery only the engine that runs it."""

from django.db import models


class Job(models.Model):
    """One piece of work. It is claimed by lease, so that a killed worker's job runs again elsewhere."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    kind = models.CharField(max_length=100)
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    idempotency_key = models.CharField(max_length=200, unique=True, null=True)  # noqa: DJ001 - unique where given
    run_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=5)
    lease_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    progress_ratio = models.FloatField(default=0)
    message = models.CharField(max_length=1000, blank=True, help_text="what it is doing, or why it failed")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "run_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
